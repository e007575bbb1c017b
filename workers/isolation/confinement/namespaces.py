"""An empty network, and shared memory and message queues that nobody else has."""

import os

from workers.isolation.linux import checked, libc

CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWNET = 0x4000_0000


def leave() -> None:
    """Leave the network and the shared memory of all others. Raises OSError where that is not allowed.

    Root may do it. Others may in a user namespace of their own, which gives them every right over what is
    inside it: `identity` takes those away again. Containers usually allow it to neither.
    """
    inside = CLONE_NEWNET | CLONE_NEWIPC
    if os.geteuid() != 0:
        inside |= CLONE_NEWUSER
    checked(libc().unshare(inside), "unshare")
