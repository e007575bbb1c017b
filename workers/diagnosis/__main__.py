"""`python -m workers.diagnosis TRACE.npz`: diagnose stored measurements again, as JSON. Needs no torch."""

import sys
import zipfile
from pathlib import Path

from service.version import SERVICE_VERSION
from workers.diagnosis import diagnose
from workers.probes.trace import Trace


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with a sentence on standard error if the file is not a trace of ours."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m workers.diagnosis TRACE.npz\n")
        return 2
    path = Path(arguments[0])
    try:
        trace = Trace.load(path)
    except OSError as error:
        sys.stderr.write(f"cannot read {path}: {error.strerror or error}\n")
        return 1
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{path} is not a trace of this service: {error}\n")
        return 1
    sys.stdout.write(diagnose(trace, service_version=SERVICE_VERSION).model_dump_json(indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
