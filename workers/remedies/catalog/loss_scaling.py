"""Loss scaling: lifts gradients above the smallest number that float16 has (Micikevicius et al. 2018)."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.rewriting import with_training


def _apply(request: JobRequest, _diagnosis: Diagnosis | None) -> list[Candidate]:
    training = request.training
    if training.precision != "float16":
        raise NotApplicable(f"the precision is {training.precision}: only float16 needs it")
    if training.loss_scaling:
        raise NotApplicable("the loss is scaled already")
    words = "The loss is scaled before the backward pass, and the gradients back after it."
    return [Candidate("loss_scaling", None, words, with_training(request, loss_scaling=True))]


REMEDY = Remedy("loss_scaling", _apply, invasiveness=0, conditions=frozenset({"gradient_underflow"}))
