"""Gradient clipping: a bound on the size of a step (Pascanu et al. 2013)."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.rewriting import with_training

NORM = 1.0


def _apply(request: JobRequest, _diagnosis: Diagnosis | None) -> list[Candidate]:
    before = request.training.clip_grad_norm
    if before is not None and before <= NORM:
        raise NotApplicable(f"the gradient is clipped to a norm of {before:g} already")
    words = f"The norm of the whole gradient is clipped to {NORM:g}."
    return [Candidate("gradient_clipping", None, words, with_training(request, clip_grad_norm=NORM))]


REMEDY = Remedy(
    "gradient_clipping",
    _apply,
    invasiveness=0,
    conditions=frozenset(
        {"exploding_gradients", "learning_rate_too_large", "non_finite", "unstable_training"}
    ),
)
