"""The files that a job's process may still reach, besides its scratch directory."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import service
import workers

SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
SYSTEM_FACTS = (
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",  # glibc's allocator
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/usr/share/zoneinfo",
)
CUDA_FILES = (
    "/etc/nvidia",
    "/opt/nvidia",
    "/opt/rocm",
    "/proc/devices",
    "/proc/driver/nvidia",
    "/proc/modules",
    "/sys/bus/pci",
    "/sys/class/drm",
    "/sys/class/kfd",
    "/sys/devices",
    "/sys/module",
    "/usr/local/cuda",
    "/usr/share/nvidia",
)
CUDA_DEVICES = ("nvidia*", "nvidia-caps/*", "dri/*", "dxg", "kfd")
"""Patterns below /dev: NVIDIA's and AMD's devices, and those inside WSL."""
PACKAGE_FOLDERS = {"site-packages", "dist-packages"}


def readable(*, cuda: bool) -> tuple[Path, ...]:
    """What may be read: Python, its packages, the system's libraries, and facts about the machine."""
    own = Path("/proc/self")  # a process's own entry: it is not the same for any two
    return (*code(), *map(Path, SYSTEM_FACTS), own, *(map(Path, CUDA_FILES) if cuda else ()))


def devices() -> Iterator[Path]:
    """The devices of the GPUs that are there."""
    for pattern in CUDA_DEVICES:
        yield from Path("/dev").glob(pattern)


@cache
def code() -> tuple[Path, ...]:
    """Where modules and libraries are. Of our own project the packages alone: data may lie beside them."""
    found = [Path(sys.prefix) / "lib", Path(sys.base_prefix) / "lib"]
    found += [Path(path) for path in sysconfig.get_paths().values() if Path(path).name in PACKAGE_FOLDERS]
    found += [Path(path) for path in sys.path if Path(path).name in PACKAGE_FOLDERS]
    found += [Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]
    found += [Path(path) for package in (service, workers) for path in package.__path__]
    found += map(Path, SYSTEM_LIBRARIES)
    return tuple(dict.fromkeys(path for path in found if path.exists()))
