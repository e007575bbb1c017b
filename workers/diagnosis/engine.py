"""From a case to findings and a verdict: every condition is examined, then consequences are put under
their cause."""

from collections.abc import Iterable, Sequence

from service.contract.diagnosis import Finding, Verdict
from workers.diagnosis.case import Case
from workers.diagnosis.condition import Condition
from workers.diagnosis.conditions import CONDITIONS
from workers.diagnosis.learning import Learning
from workers.diagnosis.wording import counted

_RANK = {"critical": 0, "warning": 1, "note": 2}

_BY_NAME: dict[str, Condition] = {condition.info.name: condition for condition in CONDITIONS}


def examine(case: Case) -> list[Finding]:
    """All findings, each illness once, the most severe first."""
    raw = [finding for condition in CONDITIONS for finding in condition.examine(case)]
    return sorted(_settled(raw, case), key=_order)


def _order(finding: Finding) -> tuple[int, bool, float, str]:
    """The most severe first; what reassures after notes that there is something to do about. Confidences that
    differ by less than a hundredth are alike, or times of the clock would decide; then the name does."""
    reassures = _BY_NAME[finding.condition].reassures
    return _RANK[finding.severity], reassures, -round(finding.confidence, 2), finding.condition


def _settled(raw: Sequence[Finding], case: Case) -> Iterable[Finding]:
    """The findings that no other one explains, with what they explain listed as their consequences."""
    causes = {id(finding): _cause(finding, raw, case) for finding in raw}
    for finding in raw:
        if causes[id(finding)] is None:
            explained = [other for other in raw if causes[id(other)] is finding]
            yield finding.model_copy(update={"consequences": _consequences(explained)})


def _cause(finding: Finding, raw: Sequence[Finding], case: Case) -> Finding | None:
    """The most severe finding at the beginning of a chain of causes that ends in this one; None for one that
    nothing explains. No case has circles of causes, so the chain has a beginning."""
    condition = _BY_NAME[finding.condition]
    explained_by = condition.explained_by | condition.explained_here(case)
    causes = [
        _cause(other, raw, case) or other
        for other in raw
        if other.condition in explained_by
        and other.severity != "note"
        and _RANK[other.severity] <= _RANK[finding.severity]
    ]
    return min(causes, key=lambda other: (_RANK[other.severity], -other.confidence), default=None)


def _consequences(explained: Sequence[Finding]) -> list[str]:
    words = (_BY_NAME[finding.condition].consequence for finding in explained)
    return list(dict.fromkeys(word for word in words if word is not None))


def verdict(findings: Sequence[Finding]) -> Verdict:
    """The most severe finding decides; without any that speaks for or against, it cannot be told."""
    severities = {finding.severity for finding in findings}
    if "critical" in severities:
        return "unhealthy"
    if "warning" in severities:
        return "at_risk"
    return "healthy" if any(_BY_NAME[finding.condition].reassures for finding in findings) else "inconclusive"


_UNDECIDED = {
    "learned": "It learned, but poorly, and networks that begin like it mostly do not learn in so many "
    "steps; nothing else that was measured speaks against it.",
    "too_early": "The run was too short to tell: after {steps} the network is not clearly better than "
    "chance but may still become so, and nothing else that was measured speaks against it.",
    "not_trained": "It was not trained, and what was measured at initialisation does not decide.",
    "not_evaluated": "Whether it learned could not be evaluated; nothing was found that speaks against it.",
}


def summary(findings: Sequence[Finding], learning: Learning) -> str:
    """The verdict in a sentence or two."""
    outcome = verdict(findings)
    if outcome == "inconclusive":
        return _UNDECIDED.get(learning.judgement, "What was measured does not decide.").format(
            steps=counted(learning.steps, "step")
        )
    if outcome == "healthy":
        return next(f.summary for f in findings if _BY_NAME[f.condition].reassures)
    others = len([f for f in findings if f.severity != "note"]) - 1
    return findings[0].summary + (f" And {others} more finding{'s' if others > 1 else ''}." if others else "")
