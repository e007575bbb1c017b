"""A trial in its own process."""

from collections.abc import Callable

import torch

from service.contract.job import Progress
from workers.isolation.child import ChildSpec
from workers.remedies.messages import TrialOrder, TrialResult
from workers.remedies.trials.trial import run_trial


def run_child(spec: ChildSpec, report: Callable[[Progress], None]) -> TrialResult:
    """The entry of a trial's process."""
    torch.set_num_threads(spec.limits.threads)
    return run_trial(TrialOrder.model_validate_json(spec.request_json), report, spec.open, spec.scratch)
