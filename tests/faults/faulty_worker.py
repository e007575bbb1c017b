"""The Celery app of a worker that is real but for the jobs it runs: those of `entries`."""

from workers.app import create_app
from workers.units import Entries

app = create_app(entries=Entries(job="tests.faults.entries:chosen"), preload="tests.faults.entries")
