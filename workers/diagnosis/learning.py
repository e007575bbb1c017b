"""Whether the network learned: the consequence without which a symptom is no illness."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from service.contract.conditions.exploding_gradients import LOSS_RATIO
from service.contract.conditions.not_learning import ENOUGH_STEPS, GOOD_SKILL, MINIMAL_SKILL, STANDARD_ERRORS
from workers.diagnosis.arithmetic import mean
from workers.diagnosis.confidence import beyond
from workers.probes.trace import Evaluation, FloatArray, Trace

Judgement = Literal["learned", "failed", "diverged", "not_trained", "too_early", "not_evaluated"]

_LEARNED = {"learned": True, "failed": False, "diverged": False}

STILL_FALLING = 0.02
"""Relative fall of the loss from the middle third of the run to the last that counts as progress …"""
STILL_FALLING_ERRORS = 3.0
"""… if it is also this many standard errors of the difference."""
PROGRESS = 0.1
"""Relative change of the training loss that counts as one: with such a fall, something was learned."""
LATER_SHARE = 0.25
"""Share of the fall from the first third to the last that the way from the middle third must have: half of it
in a fall that goes on, none in one that has ended."""
LOSS_FALL_WITHOUT_EVALUATION = 0.2
"""Relative fall of the training loss that counts as learning where nothing was held out."""


@dataclass(frozen=True)
class Learning:
    """What became of the training."""

    judgement: Judgement
    steps: int
    loss_first: float
    """Training loss of the first batch, before anything was changed; may be non-finite."""
    loss_last: float
    """Mean training loss of the last steps; may be non-finite."""
    limit: float
    """Value of the held-out metric from which it has clearly learned; NaN without evaluation."""
    skill: float
    """How far the metric went from chance (0) to perfect (1); NaN without evaluation."""
    probability: float
    """Probability that the metric is truly beyond the limit."""
    fits_training_data: bool
    """Whether the metric on the training data is beyond the limit."""

    @property
    def learned(self) -> bool | None:
        """True, False, or None where this cannot be told."""
        return _LEARNED.get(self.judgement)

    @property
    def loss_ratio(self) -> float:
        """Last loss over first; infinite if it grew without bound, NaN if there is none."""
        return self.loss_last / self.loss_first if self.loss_first > 0 else math.nan


def steps_made(trace: Trace) -> int:
    """Optimizer steps that were made; a run of 0 steps has one loss all the same."""
    return len(trace.loss) if trace.run.steps_planned else 0


def assess_learning(trace: Trace) -> Learning:
    """Judge the run by its held-out metric, against chance and what it was before, and by its loss."""
    first, last = _ends(trace.loss)
    steps = steps_made(trace)
    limit, skill, deviation = _held_out(trace.evaluation)
    probability = _probability(trace.evaluation, limit, deviation)
    return Learning(
        judgement=_judge(trace, steps, first, last, probability),
        steps=steps,
        loss_first=first,
        loss_last=last,
        limit=limit,
        skill=skill,
        probability=probability,
        fits_training_data=trace.evaluation is not None
        and _better(trace.evaluation, trace.evaluation.after_on_training_data, limit),
    )


def _ends(loss: FloatArray) -> tuple[float, float]:
    """The loss before the first update (where training blows up, the next ones say nothing about the
    beginning), and the mean of the last ones; NaN without any."""
    window = max(1, min(10, len(loss) // 20))
    return mean(loss[:1]), mean(loss[-window:])


def _held_out(evaluation: Evaluation | None) -> tuple[float, float, float]:
    """Limit for having learned, skill, and the metric's standard error."""
    if evaluation is None or evaluation.samples < 1 or not math.isfinite(evaluation.chance):
        return math.nan, math.nan, math.nan
    if evaluation.metric == "accuracy":
        return _accuracy(evaluation)
    return _squared_error(evaluation)


def _accuracy(evaluation: Evaluation) -> tuple[float, float, float]:
    """Binomial standard errors over the held-out samples."""
    chance, n = min(max(evaluation.chance, 0.0), 1.0), evaluation.samples
    margin = max(
        STANDARD_ERRORS.value * math.sqrt(chance * (1 - chance) / n), MINIMAL_SKILL.value * (1 - chance)
    )
    share = min(max(evaluation.after, 0.0), 1.0) if math.isfinite(evaluation.after) else chance
    if chance + margin >= 1:
        return math.nan, math.nan, math.nan
    skill = (evaluation.after - chance) / (1 - chance)
    return chance + margin, skill, math.sqrt((share * (1 - share) + 1 / (4 * n)) / n)


def _squared_error(evaluation: Evaluation) -> tuple[float, float, float]:
    """Standard error of a mean of squares of n Gaussian errors: √(2/n) of it; the margin is paired, so
    smaller."""
    chance, n = max(evaluation.chance, 0.0), evaluation.samples
    limit = chance * (1 - min(max(MINIMAL_SKILL.value, 2 / math.sqrt(n)), 0.9))
    skill = 1 - evaluation.after / chance if chance > 0 else math.nan
    return limit, skill, 0.5 * chance * math.sqrt(2 / n)


def _probability(evaluation: Evaluation | None, limit: float, deviation: float) -> float:
    if evaluation is None or not math.isfinite(limit):
        return 0.5
    if not math.isfinite(evaluation.after):
        return 0.0
    sign = 1.0 if evaluation.metric == "accuracy" else -1.0
    return beyond(sign * evaluation.after, sign * limit, deviation)


def _was_taught(evaluation: Evaluation | None) -> bool:
    """Whether the run made the metric clearly better, or it was good before. First weights may be better
    than chance by luck, and stay so if nothing changes them."""
    if evaluation is None or not math.isfinite(evaluation.before):
        return True
    limit, skill, _ = _held_out(replace(evaluation, after=evaluation.before))
    rise = abs(limit - evaluation.chance)
    sign = 1.0 if evaluation.metric == "accuracy" else -1.0
    return skill >= GOOD_SKILL.value or sign * (evaluation.after - evaluation.before) >= rise


def _better(evaluation: Evaluation, value: float, limit: float) -> bool:
    return value > limit if evaluation.metric == "accuracy" else value < limit


def _judge(trace: Trace, steps: int, first: float, last: float, probability: float) -> Judgement:
    evaluation = trace.evaluation
    if steps == 0 or not trace.loss.size:
        return "not_trained"
    if not math.isfinite(last):
        return "diverged"
    if evaluation is None and 0 <= last < (1 - LOSS_FALL_WITHOUT_EVALUATION) * first:
        return "learned"
    if probability > 0.5 and (last < (1 - PROGRESS) * first or _was_taught(evaluation)):
        return "learned"
    if first > 0 and last > LOSS_RATIO.value * first:
        return "diverged"
    if not math.isfinite(_held_out(evaluation)[0]):
        return "not_evaluated"
    if steps < ENOUGH_STEPS.value:
        return "too_early"
    risen = last > (1 + PROGRESS) * first  # it only comes down to where it began
    going_on = still_falling(trace.loss) and not risen and not _knows_by_heart(evaluation)
    return "too_early" if going_on else "failed"


def _knows_by_heart(evaluation: Evaluation | None) -> bool:
    """Whether it already knows its training data well: what more steps teach it is more of the same."""
    if evaluation is None:
        return False
    seen, chance = evaluation.after_on_training_data, evaluation.chance
    best = 1.0 if evaluation.metric == "accuracy" else 0.0
    return chance != best and (seen - chance) / (best - chance) >= GOOD_SKILL.value


def still_falling(loss: FloatArray) -> bool:
    """Whether the loss fell clearly from the middle third of the run to the last."""
    third = len(loss) // 3
    return _fell(loss[third : 2 * third], loss[len(loss) - third :])


def falls_on(loss: FloatArray) -> bool:
    """Whether it fell clearly from the first third to the last, and went on to: not at first alone."""
    third = len(loss) // 3
    begin, middle, end = loss[:third], loss[third : 2 * third], loss[len(loss) - third :]
    return _fell(begin, end) and mean(middle) - mean(end) >= LATER_SHARE * (mean(begin) - mean(end))


def _fell(before: FloatArray, after: FloatArray) -> bool:
    if len(before) < 5:
        return False
    fall = mean(before) - mean(after)
    error = math.sqrt((float(np.var(before)) + float(np.var(after))) / len(before))
    return fall > STILL_FALLING * abs(mean(before)) and fall > STILL_FALLING_ERRORS * error
