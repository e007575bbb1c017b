"""What the trials may still cost."""

from service.contract.job import JobRequest
from workers.remedies.messages import Draft, FinishedTrial, TrialDone, TrialOrder

DEFAULT_STEPS_FACTOR = 200
"""Without a budget, all trials together may take as many times the job's steps."""


class Budget:
    """What is left after a draft's trials. Seconds are foreseen from what those took per step."""

    def __init__(self, request: JobRequest, draft: Draft) -> None:
        budget = request.remedies.budget
        seconds = sum(map(seconds_spent, draft.finished))
        steps = sum(map(steps_spent, draft.finished))
        self._steps_left = (budget.steps or DEFAULT_STEPS_FACTOR * request.training.steps) - steps
        self._seconds_per_step = seconds / steps if steps else 0.0
        self.seconds_left = None if budget.seconds is None else budget.seconds - seconds
        """None without a bound."""

    def takes(self, order: TrialOrder) -> bool:
        """Whether there is room for it, even if its search goes on as far as it may; if so, it is counted."""
        steps = order.steps_per_run * order.most_runs
        seconds = steps * self._seconds_per_step
        if steps > self._steps_left:
            return False
        if self.seconds_left is not None and (self.seconds_left <= 0.0 or seconds > self.seconds_left):
            return False
        self._steps_left -= steps
        if self.seconds_left is not None:
            self.seconds_left -= seconds
        return True


def seconds_spent(trial: FinishedTrial) -> float:
    """Seconds of the runs that a trial finished, and of the one in which it failed."""
    finished = sum(run.seconds for run in trial.result.runs)
    return finished if isinstance(trial.result, TrialDone) else max(finished, trial.result.seconds)


def steps_spent(trial: FinishedTrial) -> int:
    """Training steps of the runs that a trial finished; of one that was lost with its process, all that were
    ordered."""
    order, result = trial.order, trial.result
    if isinstance(result, TrialDone):
        return len(result.runs) * (order.request.training.steps + result.measured.cost.extra_steps)
    if result.runs or result.not_applicable:
        return len(result.runs) * order.steps_per_run
    return order.steps
