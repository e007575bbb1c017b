"""Which came first: what was there before training, and what training, its steps or its decay, made."""

import math

import numpy as np

from service.contract.conditions.exploding_gradients import ATTENUATION, TIME_GAIN
from service.contract.conditions.saturated_activations import SATURATION
from service.contract.conditions.weights_near_zero import DECAY
from workers.diagnosis.arithmetic import median
from workers.diagnosis.case import Case
from workers.diagnosis.confidence import INTERVAL
from workers.probes.trace import FloatArray

BOUNDED = frozenset({"sigmoid", "tanh", "hardtanh"})
"""Activation functions with two flat ends."""
FIRST_STEPS = 5
"""Steps at which a jump of the loss is looked for."""


def decay(case: Case) -> float:
    """e-folds by which weight decay alone would shrink the weights in the steps made; NaN where not known.

    Of SGD, momentum included, and AdamW; in Adam and RMSprop it is part of a gradient that they rescale.
    """
    run = case.trace.run
    if run.weight_decay is None or run.optimizer not in {"sgd", "adamw"}:
        return math.nan
    return run.learning_rate * run.weight_decay * case.learning.steps / (1 - (run.momentum or 0.0))


def decay_shrinks(case: Case) -> bool:
    """Whether decay is enough for the weights to vanish, and the gradient had not vanished before."""
    return decay(case) >= DECAY.value and case.gradient_passes


def saturated_at_first(case: Case) -> bool:
    """Whether a bounded layer was saturated before the first update."""
    return any(
        values[0] >= SATURATION.value
        for i, layer in enumerate(case.trace.layers)
        if layer.function in BOUNDED and (values := case.of_layer("activation.saturation", i)).size
    )


def grows_backward(case: Case) -> bool:
    """Whether the gradient grows on its way back, through layers or time, and not only from step to step."""
    profile = case.judged_depth
    if profile is not None and profile.surely_gained > ATTENUATION.value:
        return True
    diverged = case.learning.judgement == "diverged"
    measured = [m for g in case.time.values() for m in ((g.initial,) if diverged else (g.initial, g.run))]
    return any(m.gain - INTERVAL * m.deviation > TIME_GAIN.value for m in measured)


def first_update_ratio(case: Case) -> float:
    """Median over layers of the first step's length relative to the weights; NaN where not measured."""
    ratios = case.values("update.ratio")
    known: FloatArray = ratios[:1][np.isfinite(ratios[:1])]
    return median(known) if known.size else math.nan


def first_jump(case: Case) -> float:
    """Median loss of the steps after the first update, over the loss before it; NaN without any."""
    loss = case.trace.loss[: FIRST_STEPS + 1]
    if len(loss) <= FIRST_STEPS or not loss[0] > 0:
        return math.nan
    return float(np.median(loss[1:])) / float(loss[0])
