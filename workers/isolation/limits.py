"""What a job's process may use."""

import math
import os
import resource
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field

MIB = 2**20
DATA_SLACK = 256 * MIB
"""For thread stacks and allocator reserves: RLIMIT_DATA counts memory that was never written to."""
OPEN_FILES = 1024
FILE_BYTES = 4096 * MIB
"""In one file."""
SCRATCH_BYTES = 4096 * MIB
"""In all files of a job."""
LEAST_FILE_BYTES = MIB // 16
"""A file counts for at least this much: so many small ones are too many as well."""
CPU_GRACE_SECONDS = 30
SPARE_THREADS = 256
OOM_SCORE = 1000
"""The kernel's first choice when the machine runs out of memory."""


class ChildLimits(BaseModel):
    """What one job's process may use.

    Memory is bounded twice: the kernel refuses a single allocation beyond the limit (`bound_data`), and the
    worker ends the process once its resident memory exceeds it (`resident_bytes`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wall_seconds: float = Field(gt=0)
    """Wall-clock seconds; the worker watches them."""
    memory_bytes: int = Field(gt=0)
    """Memory of its own: pages that it shares with no file."""
    threads: int = Field(ge=1)
    """Threads that a tensor operation may use."""
    bound_data: bool = True
    """Whether the kernel bounds its data segment. Not for processes that use CUDA, which maps far more memory
    than it uses."""
    cpu_seconds: int | None = None
    """CPU seconds, for when the worker itself cannot watch; null: as much as the wall clock can allow."""

    @property
    def most_threads(self) -> int:
        """Threads that the process may have in all: far more than any library starts."""
        return SPARE_THREADS + 8 * self.threads

    def apply(self) -> None:
        """Bind the calling process, for good. Raises OSError if the kernel refuses."""
        cpu = self.cpu_seconds or math.ceil(self.wall_seconds * self.threads) + CPU_GRACE_SECONDS
        lower(resource.RLIMIT_CORE, 0)
        lower(resource.RLIMIT_CPU, cpu, cpu + CPU_GRACE_SECONDS)
        lower(resource.RLIMIT_NOFILE, OPEN_FILES)
        lower(resource.RLIMIT_FSIZE, FILE_BYTES)
        with suppress(OSError):  # a kernel without it only chooses differently
            Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
        if self.bound_data:
            lower(resource.RLIMIT_DATA, self.memory_bytes + _data_in_use() + DATA_SLACK)


def resident_bytes(pid: int) -> int:
    """Memory of a process that belongs to no file, in bytes; 0 if the process is gone."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(memory.rss) - int(getattr(memory, "shared", 0))


def thread_count(pid: int) -> int:
    """Threads of a process; 0 if the process is gone."""
    try:
        return int(psutil.Process(pid).num_threads())
    except psutil.Error:
        return 0


def disk_bytes(folder: Path, enough: int) -> int:
    """What the files below `folder` take up; counts no further than `enough`."""
    total, folders = 0, [str(folder)]
    while folders and total <= enough:
        with suppress(OSError), os.scandir(folders.pop()) as entries:  # files come and go meanwhile
            for entry in entries:
                total += max(entry.stat(follow_symlinks=False).st_blocks * 512, LEAST_FILE_BYTES)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                if total > enough:
                    break
    return total


def _data_in_use() -> int:
    """What RLIMIT_DATA already counts: the zygote's data, shared until somebody writes."""
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "data", 0))


def lower(limit: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, but never above the hard limit that the process was given."""
    ceiling = resource.getrlimit(limit)[1]
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, wanted = min(soft, ceiling), min(wanted, ceiling)
    resource.setrlimit(limit, (soft, wanted))
