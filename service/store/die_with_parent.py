"""Run as a script: `python die_with_parent.py PARENT_PID COMMAND …` becomes COMMAND, ended with its parent.

Linux tells a process of its parent's death (prctl PR_SET_PDEATHSIG, kept across exec), even after a
SIGKILL, when the parent could tell nobody. "Parent" means the *thread* that started the process: start it
from one that lives as long as it should. On other systems COMMAND simply runs, and outlives a parent that
was killed.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:  # it died before we could ask to be told
            sys.exit(f"the parent process {parent_pid} is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
