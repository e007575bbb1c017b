"""The composition root of the HTTP API: what there is and how it is wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import catalog, health, home, openapi, reference
from service.background import in_background
from service.dispatch import Dispatcher
from service.jobs import endpoints as jobs
from service.jobs.service import JobService
from service.jobs.waiting import ChangeFeed
from service.logs import configure_logging
from service.middleware import Envelope
from service.problems import register_problems
from service.reaper import Reaper
from service.settings import Settings
from service.shutdown import on_stop_signal
from service.store.artifacts import ArtifactStore
from service.store.jobs import JobStore
from service.uploads import endpoints as uploads
from service.uploads.service import UploadService
from service.version import SERVICE_VERSION

DESCRIPTION = """\
Finds out why a neural network will not train: submit a network, its data and its training; it is trained,
probed and diagnosed. Bring your own network and data as files: upload them, and name them in the job.

Every error is a problem document (RFC 9457). Times are UTC. Unknown fields are refused.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It connects to nothing before its lifespan begins."""
    settings = settings or Settings()
    app = FastAPI(
        title="Gradient Clinic",
        version=SERVICE_VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,  # ours works without other servers
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,  # one name per type; answers always hold all fields
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.add_middleware(Envelope)
    register_problems(app)
    routers = (jobs.router, *uploads.ROUTERS, catalog.router, health.router, home.router, reference.router)
    for router in routers:
        app.include_router(router)
    openapi.describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    configure_logging(settings.log_level)
    data_dir = settings.store.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    artifacts = ArtifactStore(data_dir / "artifacts")
    dispatcher = Dispatcher(settings.store.redis_url)
    async with JobStore(settings.store.redis_url) as store:
        changes = ChangeFeed(store)
        reaper = Reaper(store, dispatcher, artifacts, settings.store)
        app.state.store = store
        app.state.changes = changes
        app.state.jobs = JobService(
            store, changes, dispatcher, artifacts, policy=settings.store, sizes=settings.sizes
        )
        app.state.uploads = UploadService(store, artifacts, policy=settings.store)
        with on_stop_signal(changes.close):
            async with in_background(changes.run, *reaper.duties()):
                yield
    dispatcher.close()
