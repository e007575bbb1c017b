"""Putting the protections into force in the calling process, in the one order that works."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workers.isolation.confinement import identity, landlock, namespaces, reach, seccomp
from workers.isolation.confinement.policy import Policy, Protection, Protections
from workers.isolation.linux import die_with_parent, forbid_new_privileges

T = TypeVar("T")


def confine(policy: Policy, scratch: Path, parent: int) -> Protections:
    """Confine the calling process, which must run one thread, for good; say what is in force.

    It may write below `scratch` alone, and the kernel ends it with `parent`, its parent process.

    What the host does not offer is left out and named in the answer. The order matters: leaving the network
    takes rights that `identity` gives up; Landlock's rules are collected while all files can be reached; the
    filter of system calls comes last, as it forbids the others' calls.
    """
    if sys.platform != "linux":
        return Protections(missing=dict.fromkeys(policy.protections, "not on Linux"))
    return _Confinement(policy, scratch, parent).apply()


class _Confinement:
    def __init__(self, policy: Policy, scratch: Path, parent: int) -> None:
        self._policy = policy
        self._scratch = scratch
        self._parent = parent
        self._missing: dict[Protection, str] = {}

    def apply(self) -> Protections:
        self._attempt("network", namespaces.leave)
        rules = self._attempt("landlock", self._collect_rules)
        self._attempt("unprivileged", lambda: self._become_unprivileged(rules is not None))
        identity.hide()
        die_with_parent(self._parent)  # which the kernel forgot when the user changed
        forbid_new_privileges()
        if rules is not None:
            self._attempt("landlock", rules.enforce)
        self._attempt("seccomp", lambda: seccomp.enforce(cuda=self._policy.cuda))
        return Protections(missing=self._missing)

    def _attempt(self, protection: Protection, step: Callable[[], T]) -> T | None:
        if protection not in self._policy.protections:
            self._missing[protection] = "switched off"
            return None
        try:
            return step()
        except OSError as error:
            self._missing[protection] = error.strerror or str(error)
            return None

    def _collect_rules(self) -> landlock.Ruleset:
        rules = landlock.Ruleset()
        rules.allow(reach.readable(cuda=self._policy.cuda), landlock.READ)
        rules.allow([self._scratch], landlock.WRITE)
        rules.allow([Path(os.devnull)], landlock.READ | landlock.WRITE_FILE)
        if self._policy.cuda:
            rules.allow(reach.devices(), landlock.USE_DEVICE)
        return rules

    def _become_unprivileged(self, files_are_confined: bool) -> None:
        identity.become_unprivileged(
            self._policy.user, self._scratch, reach.code(), files_are_confined=files_are_confined
        )
