"""Parameters that no path from the loss leads to."""

from collections.abc import Iterator

from service.contract.conditions.disconnected_parameters import DISCONNECTED_SHARE, INFO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import joint
from workers.diagnosis.findings import finding, outcome_words
from workers.diagnosis.wording import listed, percent


def examine(case: Case) -> Iterator[Finding]:
    """A finding for all parameters that are to be trained and have no gradient: None, not 0."""
    parameters = case.trace.parameters
    cut = [p for p in parameters if p.trained and not p.reached]
    if not cut:
        return
    share = sum(p.size for p in cut) / max(1, sum(p.size for p in parameters))
    layers = list(dict.fromkeys(p.layer for p in cut))
    yield finding(
        INFO,
        "critical" if case.harm == "failed" else "warning",
        joint(1.0),
        layers=layers,
        summary=f"No gradient reaches {percent(share)} of the parameters, in {listed(layers)}: the path from "
        "the loss to them is cut.",
        explanation="Their gradient is absent after the backward pass, which is not the same as zero: no "
        "operation connects them to the loss. They stay as they were initialised, however long one trains. "
        f"{outcome_words(case)}",
        evidence=[evidence("disconnected_share", share, DISCONNECTED_SHARE.value), *case.metric_evidence()],
        remedies=("check_graph",),
    )


CONDITION = Condition(info=INFO, examine=examine, consequence="parameters are cut off from the loss")
