"""The Celery app of a worker that is real but for the jobs and trials it runs: those of `trial_entries`."""

from workers.app import create_app
from workers.units import Entries

CODE = "tests.faults.trial_entries"
app = create_app(entries=Entries(f"{CODE}:begin", f"{CODE}:make_trial", f"{CODE}:gather"), preload=CODE)
