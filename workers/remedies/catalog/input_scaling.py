"""Standardised inputs: mean 0 and standard deviation 1 (LeCun et al. 1998)."""

from service.contract.data_spec import BUILTIN, BuiltinData, SyntheticData
from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy


def _apply(request: JobRequest, _diagnosis: Diagnosis | None) -> list[Candidate]:
    data = request.data
    if isinstance(data, SyntheticData) or (isinstance(data, BuiltinData) and BUILTIN[data.name].generated):
        raise NotApplicable("generated inputs have the scale that they are made with")
    if data.standardize:
        raise NotApplicable("the inputs are standardised already")
    scaled = request.model_copy(update={"data": data.model_copy(update={"standardize": True})})
    words = (
        "Each input feature, and the target of a regression, is brought to mean 0 and standard deviation 1."
    )
    return [Candidate("input_scaling", None, words, scaled)]


REMEDY = Remedy(
    "input_scaling",
    _apply,
    invasiveness=1,
    conditions=frozenset({"saturated_activations", "unscaled_inputs"}),
)
