"""A gradient that vanishes in depth, in words: why it does, and what could be tried."""

import math

from workers.diagnosis.arithmetic import median, power_of_ten
from workers.diagnosis.case import Case
from workers.diagnosis.causes import NO_LOSS
from workers.diagnosis.conditions.vanishing_gradients.consequence import outcome_words
from workers.diagnosis.depth import DepthProfile
from workers.diagnosis.wording import LARGEST_DERIVATIVE, cause_words, counted, percent, power, untried


def summary(profile: DepthProfile) -> str:
    """One sentence: how much is left of the gradient, and what takes most of it."""
    cause, share = _main_cause(profile)
    where = "the first layer" if not profile.blocked else f"`{profile.layers[profile.reached].name}`"
    rest = "" if not profile.blocked else ", and below it is exactly zero: too small for the number format"
    return (
        f"The gradient reaching {where} is {power(profile.attenuation)} of the one at the last{rest}; "
        f"{cause_words(cause, profile)} account for {percent(share)} of the shrinkage."
    )


def explanation(case: Case, profile: DepthProfile, suggested: list[str]) -> str:
    """What happens and why, with this network's numbers."""
    count = len(profile.stations)
    per_layer = power_of_ten(profile.attenuation / max(count - 1, 1))
    parts = [
        "To reach a layer, the gradient is multiplied by the derivative of every layer above it. Here "
        f"{per_layer:.2g} of it is left from one trained layer to the next on average, and "
        f"{counted(max(count - 1, 1), 'such factor')} multiply to {power(profile.attenuation)}.",
        _cause_explanation(case, profile),
        _about_the_first_layers(case, profile),
        outcome_words(case),
        "At the first step the gradient was still healthy: it was lost during training."
        if profile.step is None and case.depth is not None and not case.depth.opened
        else "",
        untried(suggested),
    ]
    return " ".join(part for part in parts if part)


STAYS = 0.1
"""A layer whose parameters all steps together move by less than this part of their size stays as it was."""


def _about_the_first_layers(case: Case, profile: DepthProfile) -> str:
    """What becomes of them, as far as their updates say so; what is to be expected where nothing was
    trained."""
    if case.learning.judgement == "not_trained":
        return "The first layers would therefore hardly change."
    lowest = next((layer for layer, trained in zip(profile.layers, profile.trained, strict=True) if trained))
    ratio = median(case.of_layer("update.ratio", case.trace.layers.index(lowest)))
    if not ratio * case.learning.steps < STAYS:
        return "The first layers get a far weaker signal than the last ones."
    if case.learning.learned is False:
        return (
            "So the first layers stay as they were initialised, and the last ones can only use what those "
            "random layers let through."
        )
    return "The first layers therefore hardly change."


def _cause_explanation(case: Case, profile: DepthProfile) -> str:
    cause, _ = _main_cause(profile)
    if cause == "activation" and profile.functions:
        function = profile.functions[0]
        measured = mean_derivative(case, function)
        largest = LARGEST_DERIVATIVE.get(function)
        if largest is not None and math.isfinite(measured):
            return (
                f"The cause is the activation: the derivative of {function} is at most {largest:g}, and at "
                f"the values it gets here it is {measured:.2g} on average."
            )
        return f"The cause is the derivative of the activation, {function}."
    if cause == "weights":
        return (
            "The cause is the weights: they are too small to make up for what the activations take away, "
            "which is a matter of initialisation."
        )
    return f"The cause is {cause_words(cause, profile)}."


def mean_derivative(case: Case, function: str) -> float:
    """Mean derivative of an activation function over its layers, from their saturation; NaN where not
    measured."""
    largest = LARGEST_DERIVATIVE.get(function, math.nan)
    saturations = [
        median(case.of_layer("activation.saturation", i))
        for i, layer in enumerate(case.trace.layers)
        if layer.op == "activation" and layer.function == function
    ]
    known = [s for s in saturations if math.isfinite(s)]
    return largest * (1 - sum(known) / len(known)) if known else math.nan


def _main_cause(profile: DepthProfile) -> tuple[str, float]:
    """The cause that loses most, and its share of all losses."""
    losses = {cause: -part for cause, part in profile.parts.items() if part < 0 and cause not in NO_LOSS}
    if not losses:
        return "weights", 0.0
    cause = max(losses, key=lambda name: losses[name])
    return cause, losses[cause] / math.fsum(losses.values())


_BY_FUNCTION = {
    "sigmoid": ("residual", "batch_norm", "tanh", "relu", "layerwise_pretraining"),
    "tanh": ("initialization", "residual", "batch_norm"),
}
_OTHERWISE = ("initialization", "residual", "batch_norm")
_DURING_TRAINING = ("learning_rate", "batch_norm", "residual")


def remedies(case: Case, profile: DepthProfile) -> list[str]:
    """Chosen by what causes the loss: a sigmoid's derivative is not cured by larger weights."""
    if profile.step is None and case.depth is not None and not case.depth.opened:
        return list(_DURING_TRAINING)
    cause, _ = _main_cause(profile)
    function = profile.functions[0] if profile.functions else ""
    if cause == "activation" or function == "sigmoid":
        return list(_BY_FUNCTION.get(function, _OTHERWISE))
    return list(_OTHERWISE)
