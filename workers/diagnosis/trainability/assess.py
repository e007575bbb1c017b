"""From a trace to the probability of failure, and what drives it."""

import math
from collections.abc import Mapping

from service.contract.diagnosis import Trainability, TrainabilityDriver
from workers.diagnosis.arithmetic import finite
from workers.diagnosis.learning import steps_made
from workers.diagnosis.trainability.features import FEATURES, STAGES
from workers.diagnosis.trainability.measure import NotMeasuredError, measured_features
from workers.diagnosis.trainability.trees import Prediction, fitted
from workers.probes.trace import Trace

CAUTION = 0.005
"""No probability is closer to 0 or 1. On unseen cells of the grid none of 700 runs beyond went the other way,
but other data and seeds are not the grid."""
DRIVERS = 5
"""Most contributions that are reported."""


def assess_trainability(trace: Trace) -> Trainability:
    """The probability that the network does not learn, from its first step and at most its first 30 losses.

    Never raises and never NaN; where the prediction cannot be made, the probability is null and `reason` says
    why. The same trace gives the same answer.
    """
    try:
        values = measured_features(trace)
    except NotMeasuredError as error:
        return Trainability(
            probability=None, at_best_learning_rate=None, steps_seen=0, reason=f"Not predicted: {error}."
        )
    stage = stage_of(trace)
    return predict(values, stage)


def stage_of(trace: Trace) -> int:
    """How many steps' losses are known: 0, 10 or 30. A run that diverged within them has shown its end."""
    made = steps_made(trace)
    diverged = made > 0 and not math.isfinite(float(trace.loss[: STAGES[-1]].sum()))
    return STAGES[-1] if diverged else max(stage for stage in STAGES if stage <= made)


def predict(values: Mapping[str, float], stage: int) -> Trainability:
    """From the features by name, those that are missing or NaN averaged over, at one of STAGES."""
    clipped = {name: feature.clipped(values.get(name)) for name, feature in FEATURES.items()}
    plan, network = _of(f"plan_{stage}", clipped), _of(f"network_{stage}", clipped)
    unknown = [name for name in plan.contributions if math.isnan(clipped[name])]
    return Trainability(
        probability=_cautious(plan.probability),
        at_best_learning_rate=_cautious(network.probability),
        steps_seen=stage,
        drivers=_drivers(plan, clipped),
        not_known=unknown,
        reason=_reason(unknown),
    )


def _of(ensemble: str, values: Mapping[str, float]) -> Prediction:
    model = fitted()[ensemble]
    return model.predict([values[name] for name in model.features])


def _cautious(probability: float) -> float:
    return round(min(max(probability, CAUTION), 1 - CAUTION), 4)


def _drivers(prediction: Prediction, values: Mapping[str, float]) -> list[TrainabilityDriver]:
    """The largest contributions first."""
    ordered = sorted(prediction.contributions.items(), key=lambda item: (-abs(item[1]), item[0]))
    return [
        TrainabilityDriver(
            feature=name,
            description=FEATURES[name].description,
            value=finite(values[name], 4),
            log_odds=round(added, 3),
        )
        for name, added in ordered[:DRIVERS]
        if abs(added) >= 0.01
    ]


def _reason(unknown: list[str]) -> str | None:
    if not unknown:
        return None
    return f"Less certain than it could be: {', '.join(unknown)} not measured, so averaged over."
