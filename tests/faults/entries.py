"""Jobs that go wrong in a chosen way, run by real workers and real children in place of a training.

Each is an `Entry`. `chosen` runs the one that the request's metadata name, so that a worker under test can
run any of them.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from service.contract.diagnosis import Diagnosis, Environment, Outcome, Runtime
from service.contract.errors import ErrorCode
from service.contract.job import Progress
from workers.isolation.child import ChildSpec, JobFailedError

Report = Callable[[Progress], None]
STEPS = 1000


def healthy() -> Diagnosis:
    """A valid diagnosis, of nothing."""
    return Diagnosis(
        verdict="healthy",
        summary="Nothing was trained.",
        findings=[],
        outcome=Outcome(learned=None, loss_first=None, loss_last=None, metric=None, value=None, chance=None),
        layers=[],
        runtime=Runtime(device="cpu", steps=0, seconds=0.0, steps_per_second=None, probe_overhead=None),
        environment=Environment(torch="none", service="test", seed=0),
        metadata={},
    )


def succeed(spec: ChildSpec, report: Report) -> Diagnosis:
    for suffix in ("npz", "json.gz"):
        (spec.scratch / f"trace.{suffix}").write_bytes(b"measurements")
    report(Progress(phase="training", step=7, steps=STEPS))
    return healthy()


def train_for_ever(spec: ChildSpec, report: Report) -> Diagnosis:
    step = 0
    while True:
        step += 1
        report(Progress(phase="training", step=step, steps=STEPS))
        time.sleep(0.02)


def train_until_released(spec: ChildSpec, report: Report) -> Diagnosis:
    """Train until the file named in the metadata exists, then succeed."""
    release = Path(metadata(spec)["release"])
    step = 0
    while not release.exists():
        step += 1
        report(Progress(phase="training", step=step, steps=STEPS))
        time.sleep(0.02)
    return succeed(spec, report)


def hang(spec: ChildSpec, report: Report) -> Diagnosis:
    report(Progress(phase="training", step=3, steps=STEPS))
    signal.pause()
    raise AssertionError("unreachable")


def spin(spec: ChildSpec, report: Report) -> Diagnosis:
    while True:
        pass


def allocate_at_once(spec: ChildSpec, report: Report) -> Diagnosis:
    np.ones(spec.limits.memory_bytes, dtype=np.float64)
    raise AssertionError("the kernel allowed it")


def allocate_slowly(spec: ChildSpec, report: Report) -> Diagnosis:
    held = []
    while True:
        held.append(np.ones(2**20))
        time.sleep(0.005)


def fail_to_allocate_a_tensor(spec: ChildSpec, report: Report) -> Diagnosis:
    message = "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory"
    raise RuntimeError(message)


def kill_itself(spec: ChildSpec, report: Report) -> Diagnosis:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def read_address_zero(spec: ChildSpec, report: Report) -> Diagnosis:
    ctypes.string_at(0)
    raise AssertionError("unreachable")


def exit_early(spec: ChildSpec, report: Report) -> Diagnosis:
    os._exit(3)


def raise_unexpectedly(spec: ChildSpec, report: Report) -> Diagnosis:
    raise ZeroDivisionError("the secret of the stack")


def blame_the_model(spec: ChildSpec, report: Report) -> Diagnosis:
    raise JobFailedError(ErrorCode.MODEL_INVALID, "layer 3 does not fit layer 4")


def talk_nonsense(spec: ChildSpec, report: Report) -> Diagnosis:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b'{"kind": "result", "diagnosis": "all is well"}\n')
        except OSError:
            continue
    signal.pause()
    raise AssertionError("unreachable")


def talk_without_end(spec: ChildSpec, report: Report) -> Diagnosis:
    while True:
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"x" * 2**16)
            except OSError:
                continue


def tell_circumstances(spec: ChildSpec, report: Report) -> Diagnosis:
    """Succeed, and tell in the metadata what a child finds around it."""
    circumstances = {
        "environment": dict(os.environ),
        "descriptors": sorted(entry.name for entry in Path("/proc/self/fd").iterdir()),
        "session": os.getsid(0) == os.getpid(),
        "directory": str(Path.cwd()),
        "torch": "torch" in sys.modules,
        "limits": {
            name: list(resource.getrlimit(getattr(resource, f"RLIMIT_{name}")))
            for name in ("CORE", "CPU", "NOFILE", "FSIZE", "DATA")
        },
        "request": spec.request_json.decode(),
    }
    return healthy().model_copy(update={"metadata": circumstances})


def metadata(spec: ChildSpec) -> dict[str, str]:
    found: dict[str, str] = json.loads(spec.request_json)["metadata"]
    return found


def chosen(spec: ChildSpec, report: Report) -> Diagnosis:
    """Run the entry that the request's metadata name under `entry`."""
    entry: Callable[[ChildSpec, Report], Diagnosis] = globals()[metadata(spec)["entry"]]
    return entry(spec, report)
