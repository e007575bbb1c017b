"""What a job may know of the worker's environment: libraries and devices, nothing secret."""

from collections.abc import Mapping

PASSED_VARIABLES = frozenset(
    {"PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "TZ"}
)
PASSED_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "OMP_", "GOMP_", "MALLOC_", "MKL_", "KMP_")
DEFAULT_VARIABLES = {
    # Freed memory stays with the process: glibc otherwise gives it back and faults it in again at each step,
    # which took LSTM steps from 16 to 26 ms.
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_MMAP_THRESHOLD_": "2000000000",
    # OpenMP's threads spin for milliseconds while they wait for each other. Where jobs outnumber cores, they
    # then wait for a thread that has no core: a job of 0.4 s took 40 s. This is microseconds.
    "GOMP_SPINCOUNT": "1000",
    # NumPy's BLAS starts its threads when it is imported, and the zygote must not have any.
    "OPENBLAS_NUM_THREADS": "1",
}
"""What children get unless the worker's own environment says otherwise."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What children may know of the worker's environment: libraries and devices, nothing secret."""
    passed = {
        name: value
        for name, value in environment.items()
        if name in PASSED_VARIABLES or name.startswith(PASSED_PREFIXES)
    }
    return DEFAULT_VARIABLES | passed
