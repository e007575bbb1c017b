"""What live workers say of themselves. A worker repeats it; what is not repeated is forgotten."""

import json
from collections.abc import Mapping

from service.store.command import Command, load_script

REQUIRED = "required"
"""Whether a worker refuses uploads where protections that these need are missing: said beside them."""


def report_worker(
    worker: str, isolation: Mapping[str, bool], ttl_ms: int, *, required: bool | None = None
) -> Command[None]:
    """Say for `ttl_ms` which protections a worker's jobs are confined by, and whether it insists on them."""
    said = dict(isolation) if required is None else {**isolation, REQUIRED: required}
    args = (worker, json.dumps(said), ttl_ms)
    return Command(load_script("report_worker"), args, lambda _: None)


def forget_worker(worker: str) -> Command[None]:
    """The worker has stopped."""
    return Command(load_script("report_worker"), (worker, "", 0), lambda _: None)


def read_isolation() -> Command[dict[str, bool]]:
    """The protections that all live workers have in force, and whether all insist on them (`REQUIRED`); empty
    if no worker lives."""
    return Command(load_script("read_workers"), (), _what_all_have)


def _what_all_have(reply: list[str]) -> dict[str, bool]:
    common: dict[str, bool] = {}
    for report in map(json.loads, reply):
        for protection, in_force in report.items():
            common[protection] = common.get(protection, True) and in_force
    return common
