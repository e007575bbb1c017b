"""The Celery app of a worker that is real but for the jobs it runs: those of `entries`."""

from workers.app import create_app

app = create_app(entry="tests.faults.entries:chosen", preload="tests.faults.entries")
