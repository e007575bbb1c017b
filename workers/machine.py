"""What the machine, or the container, has to offer. Without torch: a worker itself never imports it."""

import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""NVIDIA's driver; the same inside WSL; AMD's."""


def available_cores(cgroup: Path = CGROUP) -> int:
    """Cores that may be used at once: more threads than that only wait for each other."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(cgroup / "cpu.max").partition(" ")
    if quota.isdecimal() and period.isdecimal():
        cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def memory_bytes(cgroup: Path = CGROUP) -> int:
    """Memory of the machine or, if that is less, what the container may use."""
    total = int(psutil.virtual_memory().total)
    limit = _read(cgroup / "memory.max")
    return min(total, int(limit)) if limit.isdecimal() else total


def has_gpu() -> bool:
    return any(Path(device).exists() for device in GPU_DEVICES)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
