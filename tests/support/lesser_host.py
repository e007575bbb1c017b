"""Run a program as on a host that lacks some protections: the kernel then really says that it has none.

python -m tests.support.lesser_host landlock,network python -m workers.app
"""

import errno
import os
import sys

from workers.isolation.confinement.libseccomp import ALLOW, Comparison, Condition, Filter, fail_with
from workers.isolation.linux import forbid_new_privileges

PR_SET_SECCOMP = 22


def hide_landlock(rules: Filter) -> None:
    """As before Linux 5.13, or switched off at boot."""
    rules.add(fail_with(errno.EOPNOTSUPP), ["landlock_create_ruleset"])


def hide_seccomp(rules: Filter) -> None:
    """As in a kernel built without it."""
    rules.add(fail_with(errno.EINVAL), ["seccomp"])
    rules.add(fail_with(errno.EINVAL), ["prctl"], Condition(0, Comparison.EQUAL, PR_SET_SECCOMP))


def forbid_namespaces(rules: Filter) -> None:
    """As in a container with the usual rules."""
    rules.add(fail_with(errno.EPERM), ["unshare"])


def forbid_other_users(rules: Filter) -> None:
    """As in a container whose root has no capabilities."""
    rules.add(fail_with(errno.EPERM), ["setresuid", "capset"])


MISSING = {
    "landlock": hide_landlock,
    "seccomp": hide_seccomp,
    "network": forbid_namespaces,
    "unprivileged": forbid_other_users,
}


def command(*missing: str) -> list[str]:
    """What to put in front of a command."""
    return [sys.executable, "-m", __name__, ",".join(missing)]


def main() -> None:
    names, *program = sys.argv[1:]
    rules = Filter(ALLOW)
    for name in names.split(","):
        MISSING[name](rules)
    forbid_new_privileges()
    rules.load()
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
