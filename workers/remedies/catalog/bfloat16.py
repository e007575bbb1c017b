"""bfloat16 in place of float16: fewer digits, but the range of float32."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.rewriting import with_training


def _apply(request: JobRequest, _diagnosis: Diagnosis | None) -> list[Candidate]:
    precision = request.training.precision
    if precision != "float16":
        raise NotApplicable(f"the precision is {precision}: its range is that of float32")
    words = "The forward and backward pass are in bfloat16, which has the range of float32."
    return [Candidate("bfloat16", None, words, with_training(request, precision="bfloat16"))]


REMEDY = Remedy(
    "bfloat16", _apply, invasiveness=1, conditions=frozenset({"gradient_underflow", "non_finite"})
)
