"""A zygote that has imported little, so that it starts at once, and children of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.limits import MIB, ChildLimits
from workers.isolation.process import ChildProcess, Zygote
from workers.isolation.watch import Ending, Pulse, Watch

ROOT = Path(__file__).parents[3]
LIMITS = ChildLimits(wall_seconds=30, memory_bytes=256 * MIB, threads=1)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("REDIS_URL", "redis://:secret@127.0.0.1/0")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        zygote = Zygote(["tests.faults.entries"])
        zygote.start()
    yield zygote
    zygote.close()


Spawn = Callable[..., ChildProcess]
Follow = Callable[..., Ending]


@pytest.fixture
def spawn(zygote: Zygote, tmp_path: Path) -> Iterator[Spawn]:
    """Start `spawn("name of an entry", limits)`."""
    children = []

    def start(entry: str, limits: ChildLimits = LIMITS) -> ChildProcess:
        (tmp_path / REQUEST_FILE).write_text('{"metadata": {}}')
        spec = ChildSpec(entry=f"tests.faults.entries:{entry}", scratch=tmp_path, limits=limits)
        children.append(zygote.spawn(spec))
        return children[-1]

    yield start
    for child in children:
        child.close()


@pytest.fixture
def follow(spawn: Spawn) -> Follow:
    """Start a child and follow it to its end."""

    def run(
        entry: str, limits: ChildLimits = LIMITS, stall: float = 30.0, pulse: Pulse = lambda _: None
    ) -> Ending:
        return Watch(spawn(entry, limits), limits, stall).follow(pulse)

    return run
