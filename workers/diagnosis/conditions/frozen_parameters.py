"""Parameters that are not trained."""

from collections.abc import Iterator

from service.contract.conditions.frozen_parameters import FROZEN_SHARE, INFO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import joint
from workers.diagnosis.findings import UNKNOWN, finding
from workers.diagnosis.wording import listed, percent


def examine(case: Case) -> Iterator[Finding]:
    """A note; a warning if it did not learn and the parameters have gradients that nobody uses, or the others
    cannot even learn 32 samples by heart."""
    layers, share, forgotten = _frozen(case)
    if not layers:
        return
    missed = case.fits_a_batch is False
    alarming = case.harm == "failed" and (forgotten or missed)
    yield finding(
        INFO,
        "warning" if alarming else "note",
        joint(1.0 if forgotten or not alarming else UNKNOWN),
        layers=layers,
        summary=f"{percent(share)} of the parameters are frozen, in {listed(layers)}: they are not trained.",
        explanation=f"They stay as they were initialised, and no gradient is measured there. "
        f"{_reason(forgotten, alarming)}",
        evidence=[evidence("frozen_share", share, FROZEN_SHARE.value)],
        remedies=("check_graph" if forgotten else "unfreeze",) if alarming else (),
    )


def _reason(forgotten: bool, alarming: bool) -> str:
    if forgotten:
        return (
            "A gradient does reach them, so they may have been forgotten when the optimizer was given its "
            "parameters."
        )
    if alarming:
        return (
            "What is trained did not learn even 32 samples by heart, so it may be that they are needed: "
            "train them, too, unless they hold what was learned elsewhere."
        )
    return "If that is intended, as for the body of a pre-trained network, all is well."


def _frozen(case: Case) -> tuple[list[str], float, bool]:
    """Layers with frozen parameters, their share, and whether a gradient reaches them all the same."""
    parameters = case.trace.parameters
    if parameters:
        frozen = [p for p in parameters if not p.trained]
        share = sum(p.size for p in frozen) / max(1, sum(p.size for p in parameters))
        return list(dict.fromkeys(p.layer for p in frozen)), share, any(p.reached for p in frozen)
    layers = [layer for layer in case.trace.layers if layer.parameters > 0]
    untrained = [layer for layer in layers if not layer.trainable]
    share = sum(layer.parameters for layer in untrained) / max(1, sum(layer.parameters for layer in layers))
    return [layer.name for layer in untrained], share, False


CONDITION = Condition(info=INFO, examine=examine)
