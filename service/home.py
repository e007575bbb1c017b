"""The way in, and a page for each kind of problem."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.contract.base import Contract
from service.problems import PROBLEM_PAGES, NotFoundError, problem_kinds
from service.version import SERVICE_VERSION

router = APIRouter(tags=["service"])


class Home(Contract):
    """The way in."""

    service: str = "Gradient Clinic"
    """The service's name."""
    version: str
    """Its version."""
    jobs: str = "/v1/jobs"
    """POST a job here."""
    catalog: str = "/v1/catalog"
    """What can be asked for."""
    docs: str = "/docs"
    """The reference for people."""
    openapi: str = "/openapi.json"
    """The reference for programs."""


class ProblemKind(Contract):
    """A kind of problem."""

    type: str
    """What stands in a problem's `type`."""
    title: str
    """What stands in its `title`."""
    status: int
    """The HTTP status it comes with."""
    description: str
    """What it means."""


@router.get("/")
async def home() -> Home:
    """Where everything is."""
    return Home(version=SERVICE_VERSION)


@router.get(PROBLEM_PAGES)
async def list_problem_kinds() -> list[ProblemKind]:
    """Every kind of problem that this service answers with."""
    return [_page(kind) for kind in problem_kinds()]


@router.get(PROBLEM_PAGES + "/{kind}")
async def get_problem_kind(
    kind: Annotated[str, Path(description="The last part of a problem's `type`.", examples=["job-not-done"])],
) -> ProblemKind:
    """What a problem's `type` means."""
    if kind not in problem_kinds():
        raise NotFoundError(f"there is no kind of problem {kind[:64]!r}")
    return _page(kind)


def _page(kind: str) -> ProblemKind:
    error = problem_kinds()[kind]
    description = " ".join((error.__doc__ or "").split())
    return ProblemKind(
        type=f"{PROBLEM_PAGES}/{kind}", title=error.title, status=error.status, description=description
    )
