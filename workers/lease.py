"""The worker's hold on a job or a trial: kept up while it runs, and given up at most once."""

import time

from service.contract.job import Phase, Progress
from service.store import commands
from service.store.errors import StoreUnavailableError
from service.store.jobs import BlockingJobStore
from workers.isolation.watch import Stop

RENEWALS_PER_LEASE = 4
MOST_SECONDS_BETWEEN = 1.0
"""A cancellation is learned of by renewing, and shall not take longer than this."""
LEAST_SECONDS_BETWEEN = 0.5
"""New progress is told at most twice a second; a new phase at once."""


class Lease:
    """Renews one attempt's lease and learns from the answer whether to go on."""

    def __init__(self, store: BlockingJobStore, unit: str, attempt: int, lease_seconds: float) -> None:
        self._store = store
        self._unit = unit
        self._attempt = attempt
        self._lease_ms = round(lease_seconds * 1000)
        self._interval = min(lease_seconds / RENEWALS_PER_LEASE, MOST_SECONDS_BETWEEN)
        self._renewed_at = time.monotonic()
        self._news: Progress | None = None
        self._told_phase: Phase | None = None

    def pulse(self, progress: Progress | None) -> Stop | None:
        """Renew when it is time to, with the latest progress. While Redis is away, the job goes on."""
        self._news = progress or self._news
        if time.monotonic() < self._due_at():
            return None
        try:
            return self.renew()
        except StoreUnavailableError:
            self._renewed_at = time.monotonic()
            return None

    def renew(self) -> Stop | None:
        """Renew now. Raises StoreUnavailableError."""
        news = self._news.model_dump_json() if self._news else None
        answer = self._store.execute(commands.renew(self._unit, self._attempt, self._lease_ms, news))
        self._renewed_at = time.monotonic()
        self._told_phase = self._news.phase if self._news else self._told_phase
        self._news = None
        return {"held": None, "cancel": Stop.CANCELLED, "lost": Stop.LOST}[answer]

    def _due_at(self) -> float:
        """When to renew next."""
        if self._news is None:
            return self._renewed_at + self._interval
        return self._renewed_at + (LEAST_SECONDS_BETWEEN if self._news.phase == self._told_phase else 0.0)
