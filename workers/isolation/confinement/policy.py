"""What a job's process is to be confined to, and what came of it."""

from collections.abc import Iterable
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Protection = Literal["landlock", "seccomp", "network", "unprivileged"]
PROTECTIONS: tuple[Protection, ...] = get_args(Protection)
FOR_UPLOADS: tuple[Protection, ...] = ("landlock", "seccomp")
"""Without these two a program in an upload that breaks out of the interpreter reaches files or the kernel."""

NOBODY = 65_534
"""The user that owns nothing, by convention of most Linux distributions."""


class ConfinementError(Exception):
    """A process is not as confined as it has to be."""


class Protections(BaseModel):
    """Which protections are in force, and why the others are not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: dict[Protection, str] = Field(default_factory=dict)
    """The reason for each protection that is not in force."""

    def __contains__(self, protection: Protection) -> bool:
        return protection not in self.missing

    @property
    def in_force(self) -> dict[str, bool]:
        return {protection: protection in self for protection in PROTECTIONS}

    @property
    def fit_for_uploads(self) -> bool:
        return all(protection in self for protection in FOR_UPLOADS)

    @property
    def present(self) -> frozenset[Protection]:
        return frozenset(protection for protection in PROTECTIONS if protection in self)


class Policy(BaseModel):
    """How one job's process is confined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: int = Field(default=NOBODY, gt=0)
    """The user (and group) that a worker run by root gives its jobs to."""
    cuda: bool = False
    """Whether the job may use a GPU: it then also reaches the driver's devices, by more system calls."""
    protections: frozenset[Protection] = frozenset(PROTECTIONS)
    """Which protections to put into force."""
    required: frozenset[Protection] = frozenset()
    """Without which of them the job must not run: those that the worker found in force when it started."""

    def insist(self, protections: Protections) -> None:
        """Raises ConfinementError if a required protection is not in force."""
        if lacking := {name: reason for name, reason in protections.missing.items() if name in self.required}:
            raise ConfinementError(f"not confined as required: {described(lacking.items())}")


def described(missing: Iterable[tuple[str, str]]) -> str:
    """Each protection with its reason, for a log line."""
    return "; ".join(f"{name}: {reason}" for name, reason in missing)
