"""Another learning rate: found by a wider search, not guessed."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, Remedy

DECADES = 3
"""How far the search goes to either side."""
BEST_STEP = frozenset({"best_step_ratio", "step_headroom"})
"""Evidence that says how many decades larger the best step would be."""
MOST = 1e6
"""The largest learning rate that a job may have."""


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    """The request is as it was: which learning rate is best shows when they are tried."""
    own = request.training.learning_rate
    powers = sorted({*range(-DECADES, DECADES + 1), *_foreseen(diagnosis)}, key=abs)
    rates = tuple(own * 10.0**power for power in powers if 0.0 < own * 10.0**power <= MOST)
    words = f"The learning rate is the best of {min(rates):.3g} to {max(rates):.3g}, a factor of 10 apart."
    return [Candidate("learning_rate", None, words, request, learning_rates=rates)]


def _foreseen(diagnosis: Diagnosis | None) -> list[int]:
    """Where the line search saw the best step, if that is farther away."""
    evidence = [e for finding in (diagnosis.findings if diagnosis else []) for e in finding.evidence]
    return [round(e.value) for e in evidence if e.measure in BEST_STEP and e.value is not None]


REMEDY = Remedy(
    "learning_rate",
    _apply,
    invasiveness=0,
    conditions=frozenset(
        {
            "dead_units",
            "exploding_gradients",
            "learning_rate_too_large",
            "learning_rate_too_small",
            "non_finite",
            "not_learning",
            "saturated_activations",
            "slow_convergence",
            "unstable_training",
            "weights_near_zero",
        }
    ),
)
