"""The rule for gradients that vanish in depth."""

import math
from collections.abc import Iterator

from service.contract.conditions.not_learning import TINY_UPDATE
from service.contract.conditions.vanishing_gradients import ATTENUATION_SUSPICIOUS, BOTTOM_HALF_SHARE, INFO
from service.contract.diagnosis import Evidence, Finding, Severity
from workers.diagnosis.arithmetic import power_of_ten
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.conditions.vanishing_gradients import depth_words as words
from workers.diagnosis.conditions.vanishing_gradients.consequence import (
    chance_of_failure,
    consequence_in_depth,
    severity_of,
)
from workers.diagnosis.confidence import beyond_decades, joint
from workers.diagnosis.depth import DepthProfile
from workers.diagnosis.wording import LARGEST_DERIVATIVE

CERTAIN_FAILURE = 0.9
"""Chance of failure from which an untrained network's vanishing gradient is critical."""


def in_depth(case: Case) -> Iterator[Finding]:
    """A finding if the gradient is lost on its way back through the layers, by its consequences."""
    profile = case.judged_depth
    limit = _limit(case, profile) if profile is not None else None
    if profile is not None and limit is not None:
        yield _finding(case, profile, limit)


def _limit(case: Case, profile: DepthProfile) -> float | None:
    """The limit in decades that the loss exceeds and that matters here: none for a slight one that does no
    harm."""
    if profile.surely_lost > case.vanishing_limit:
        return case.vanishing_limit
    suspicious = -ATTENUATION_SUSPICIOUS.value
    return suspicious if profile.surely_lost > suspicious and _starves(case) else None


def _starves(case: Case) -> bool:
    """Whether a slight loss leaves the lower half of the layers without a part in learning, and nothing that
    stops all layers alike (steps that overflow, steps that are too short) does."""
    if case.learning.learned or case.learning.judgement == "diverged":
        return False
    return case.bottom_half_share < BOTTOM_HALF_SHARE.value and not case.update_ratio < TINY_UPDATE.value


def _severity(case: Case, profile: DepthProfile, limit: float) -> Severity:
    if limit < case.vanishing_limit:
        return "warning"
    certain = chance_of_failure(case, -profile.attenuation) >= CERTAIN_FAILURE
    return severity_of(case, untrained="critical" if certain else "warning")


def _finding(case: Case, profile: DepthProfile, limit: float) -> Finding:
    suggested = words.remedies(case, profile)
    return Finding(
        condition=INFO.name,
        severity=_severity(case, profile, limit),
        axis="depth",
        layers=profile.starved(limit),
        confidence=_confidence(case, profile, limit),
        summary=words.summary(profile),
        explanation=words.explanation(case, profile, suggested),
        evidence=_evidence(case, profile, limit),
        remedies=suggested,
        sources=list(INFO.sources),
    )


def _confidence(case: Case, profile: DepthProfile, limit: float) -> float:
    """Of a slight loss, networks like it also have to fail: this one may have failed for other reasons."""
    lost = -profile.attenuation
    foretold = chance_of_failure(case, lost) if limit < case.vanishing_limit and _trained(case) else 1.0
    symptom = beyond_decades(lost, limit, profile.deviation)
    return joint(symptom, consequence_in_depth(case, lost), foretold)


def _trained(case: Case) -> bool:
    """Whether the outcome is known; where it is not, its foretold probability stands for it already."""
    return case.learning.learned is not None


def _evidence(case: Case, profile: DepthProfile, limit: float) -> list[Evidence]:
    slope, fit = profile.line
    count = max(len(profile.stations) - 1, 1)
    found = [
        evidence("attenuation", profile.attenuation, -limit, step=profile.step),
        evidence(
            "backward_gain_per_layer",
            power_of_ten(profile.attenuation / count),
            power_of_ten(-limit / count),
            step=profile.step,
        ),
        evidence("attenuation_per_layer", slope, step=profile.step),
        evidence("log_linear_fit", fit, step=profile.step),
        evidence("gradient_norm_range", profile.range, step=profile.step),
        evidence("bottom_half_gradient_share", case.bottom_half_share, BOTTOM_HALF_SHARE.value),
    ]
    if profile.functions and math.isfinite(derivative := words.mean_derivative(case, profile.functions[0])):
        found.append(evidence("activation_derivative", derivative, LARGEST_DERIVATIVE[profile.functions[0]]))
    return found + case.metric_evidence()
