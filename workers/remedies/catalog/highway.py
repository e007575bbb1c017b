"""Highway connections: gates that at first mostly pass the input on."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import HighwayGate, Residual
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.blocks import count_blocks, wrapped
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.residual import counted, why_no_block
from workers.remedies.catalog.rewriting import plan_of, with_layers
from workers.remedies.catalog.uploads import require_operation, with_changes

GATE = HighwayGate(bias=-2.0)
"""Srivastava et al. 2015 start between -1 and -3."""


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    if isinstance(request.model, UploadedModel):
        require_operation(diagnosis, "activation")
        gated = with_changes(request, {"kind": "shortcut", "gate": GATE.model_dump()})
        words = "Highway gates, with a bias of -2 at first, around the layers that keep the shape."
        return [Candidate("highway", None, words, gated)]
    layers, plans = plan_of(request, diagnosis)
    blocks = count_blocks(layers, plans)
    if not blocks:
        raise NotApplicable(why_no_block(layers))
    changed = wrapped(layers, plans, lambda inner: Residual(layers=inner, gate=GATE))
    words = f"Highway gates, with a bias of -2 at first, around {counted(blocks)}."
    return [Candidate("highway", None, words, with_layers(request, layers, changed))]


REMEDY = Remedy(
    "highway", _apply, invasiveness=5, conditions=frozenset({"forward_collapse", "vanishing_gradients"})
)
