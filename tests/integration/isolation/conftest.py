"""Jobs that try things, in real children of a real zygote."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.contract.errors import ErrorCode
from tests.unit.isolation.conftest import ROOT
from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.confinement.policy import FOR_UPLOADS, Policy
from workers.isolation.confinement.probe import protections_here
from workers.isolation.limits import MIB, ChildLimits
from workers.isolation.process import Zygote
from workers.isolation.watch import Ending, Failed, Succeeded, Watch

LIMITS = ChildLimits(wall_seconds=60, memory_bytes=512 * MIB, threads=1)
INTRUDERS = "tests.support.intruders"
Run = Callable[..., Ending]


@pytest.fixture(scope="session", autouse=True)
def a_host_that_can(tmp_path_factory: pytest.TempPathFactory) -> None:
    """These tests are about protections that are in force: skip them, with the reason, where they are not."""
    protections = protections_here(Policy(), tmp_path_factory.mktemp("probe"))
    if not protections.fit_for_uploads:
        pytest.skip(f"this host does not offer {protections.missing}")


@pytest.fixture(scope="session")
def possible_alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bool]:
    """Whether a protection can be in force without the others."""

    @cache
    def find_out(protection: str) -> bool:
        alone = Policy.model_validate({"protections": [protection]})
        return protection in protections_here(alone, tmp_path_factory.mktemp("probe"))

    return find_out


def started(preload: str) -> Iterator[Zygote]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        zygote = Zygote([preload])
        zygote.start()
    yield zygote
    zygote.close()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    yield from started(INTRUDERS)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def run(zygote: Zygote, scratch: Path) -> Run:
    """Run an entry with these metadata to its end."""

    def follow(
        entry: str,
        policy: Policy | None = None,
        limits: ChildLimits = LIMITS,
        breach: ErrorCode = ErrorCode.CRASHED,
        files: dict[str, Path] | None = None,
        **metadata: Any,
    ) -> Ending:
        (scratch / REQUEST_FILE).write_text(json.dumps({"metadata": metadata}))
        policy = policy or Policy(required=frozenset(FOR_UPLOADS))
        spec = ChildSpec(entry=entry, scratch=scratch, limits=limits, confinement=policy)
        with zygote.spawn(spec, files or {}) as child:
            return Watch(child, limits, 60.0, breach).follow(lambda _: None)

    return follow


Attempt = Callable[..., str]


@pytest.fixture
def attempt(run: Run, target: Path) -> Attempt:
    """Have a job try something: what came of it, as an error's name, `done`, or how it was ended."""

    def follow(what: str, on: Path = target, **options: Any) -> str:
        ending = run(f"{INTRUDERS}:attempt", attempt=what, target=str(on), **options)
        if isinstance(ending, Succeeded):
            return str(ending.diagnosis.metadata["outcome"])
        assert isinstance(ending, Failed), ending
        return f"{ending.error.code}: {ending.error.detail}"

    return follow


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file outside, which file modes would let anybody read, change and remove."""
    folder = tmp_path / "outside"
    folder.mkdir()
    folder.chmod(0o777)
    file = folder / "canary"
    file.write_text("alive")
    file.chmod(0o666)
    return file
