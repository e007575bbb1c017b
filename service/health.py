"""Whether the process lives, and whether it can do its work."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import Field

from service.contract.base import Contract
from service.contract.errors import Problem
from service.problems import MEDIA_TYPE, UnavailableError
from service.store.errors import StoreUnavailableError
from service.store.jobs import JobStore
from service.store.worker_reports import REQUIRED, read_isolation

CHECK_SECONDS = 2.0

router = APIRouter(prefix="/health", tags=["health"])

CheckResult = Literal["ok", "failed"]


class Health(Contract):
    """What was looked at."""

    status: Literal["ok"] = "ok"
    """All is well."""
    checks: dict[str, CheckResult] = Field(default_factory=dict, examples=[{"redis": "ok", "data_dir": "ok"}])
    """Each thing that was looked at."""
    isolation: dict[str, bool] | None = Field(
        default=None,
        examples=[{"landlock": True, "seccomp": True, "network": True, "unprivileged": True}],
    )
    """What the jobs of every live worker are protected by; absent while there is no worker."""
    isolation_required: bool | None = None
    """Whether every live worker refuses jobs with uploads where `landlock` or `seccomp` is missing; absent
    while there is no worker."""


class NotReady(Problem):
    """The service cannot do its work now."""

    checks: dict[str, CheckResult]
    """Each thing that was looked at."""


@router.get("/live", response_model=Health)
async def live() -> Response:
    """Whether the process answers. It looks at nothing else: restarting it would not mend Redis."""
    return Response(Health().model_dump_json(exclude_none=True), media_type="application/json")


_NOT_READY = {
    "description": "Something that the service needs is missing.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@router.get("/ready", response_model=Health, responses={503: _NOT_READY})
async def ready(request: Request) -> Response:
    """Whether jobs can be taken and answered for: Redis answers and files can be written."""
    redis, data_dir = await asyncio.gather(
        _redis_answers(request.app.state.store),
        _is_writable(request.app.state.settings.store.data_dir / "artifacts"),
    )
    checks: dict[str, CheckResult] = {"redis": redis, "data_dir": data_dir}
    if "failed" not in checks.values():
        isolation = await _isolation(request.app.state.store)
        required = isolation.pop(REQUIRED, None)
        health = Health(checks=checks, isolation=isolation or None, isolation_required=required)
        return Response(health.model_dump_json(exclude_none=True), media_type="application/json")
    failed = ", ".join(name for name, result in checks.items() if result == "failed")
    return _not_ready(request, checks, UnavailableError(f"failed: {failed}"))


def _not_ready(request: Request, checks: dict[str, CheckResult], error: UnavailableError) -> Response:
    document = error.document(request.url.path).model_dump(exclude_none=True)
    content = NotReady(**document, checks=checks).model_dump_json(exclude_none=True)
    return Response(content, status_code=error.status, headers=error.headers, media_type=MEDIA_TYPE)


async def _redis_answers(store: JobStore) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await store.ping()
    except (StoreUnavailableError, TimeoutError):
        return "failed"
    return "ok"


async def _isolation(store: JobStore) -> dict[str, bool]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await store.execute(read_isolation())
    except (StoreUnavailableError, TimeoutError):
        return {}


async def _is_writable(folder: Path) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await anyio.to_thread.run_sync(_write_somewhere, folder, abandon_on_cancel=True)
    except (OSError, TimeoutError):
        return "failed"
    return "ok"


def _write_somewhere(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"ready?")
