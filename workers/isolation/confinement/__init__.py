"""What a job's process can still reach: next to nothing. Its limits say how much it may use, this says what.

Four protections, each of which may be missing on a given host:

- `landlock`: files. Reads what Python and its libraries need, writes to the job's scratch directory alone.
- `seccomp`: the kernel. Only the system calls that training needs: no programs, processes or sockets.
- `network`: an empty network of its own.
- `unprivileged`: an ordinary user's rights, also where the worker is root.

`confine` puts all of them into force in the calling process; `probe` finds out which ones a host offers.
"""
