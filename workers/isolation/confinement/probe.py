"""Which protections this host offers: found out by putting them into force in a process of its own.

python -m workers.isolation.confinement.probe
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workers.isolation.confinement.confine import confine
from workers.isolation.confinement.policy import PROTECTIONS, Policy, Protections
from workers.isolation.environment import clean_environment

MODULE = "workers.isolation.confinement.probe"
PROBE_SECONDS = 60.0


def protections_here(policy: Policy, scratch: Path) -> Protections:
    """What jobs under `policy` will be confined by; `scratch` is a directory like theirs."""
    command = [sys.executable, "-m", MODULE, "--parent", str(os.getpid()), "--scratch", str(scratch)]
    command += ["--policy", policy.model_dump_json()]
    done = subprocess.run(
        command,
        env=clean_environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PROBE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace")[-200:].strip()
        reason = f"confining a process failed (exit status {done.returncode}): {said}"
        return Protections(missing=dict.fromkeys(PROTECTIONS, reason))
    return Protections.model_validate_json(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.isolation.confinement.probe")
    parser.add_argument("--parent", type=int, default=os.getppid())
    parser.add_argument("--scratch", type=Path, default=None)
    parser.add_argument("--policy", type=Policy.model_validate_json, default=Policy())
    options = parser.parse_args()
    if options.scratch is None:  # somebody asks: once this process is confined, it could not tidy up
        with tempfile.TemporaryDirectory() as scratch:
            protections = protections_here(options.policy, Path(scratch))
    else:
        protections = confine(options.policy, options.scratch, options.parent)
    sys.stdout.write(protections.model_dump_json() + "\n")


if __name__ == "__main__":
    main()
