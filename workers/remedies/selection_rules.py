"""What each condition speaks for, by what was measured (docs/remedies.md): the likeliest remedy first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.contract.diagnosis import Finding
from service.contract.training_plan import Precision

Choice = tuple[str, str | None]
"""A remedy and its variant; None for the first, or only, one."""

BOUNDED = frozenset({"sigmoid", "softplus"})
"""Functions that are never centred: random matrices of whatever variance, and layer normalisation, leave the
attenuation at 10^-8 and worse over 20 layers (measured; mean-field theory: -1.9 per layer with LayerNorm)."""
DEEP = 30
"""Layers beyond which highway gates alone do not carry the gradient."""


@dataclass(frozen=True)
class Situation:
    """What the choice depends on."""

    finding: Finding
    bound_by: str
    """What the gradient is lost to: `activation`, `weights`, `depth` (to many small losses) or `time`."""
    function: str | None
    """The network's activation function; None if it has none or is not known."""
    depth: int
    """Number of layers with weights."""
    precision: Precision
    """Number format of the training."""


def _vanishing(situation: Situation) -> Sequence[Choice]:
    return _VANISHING[situation.bound_by](situation)


def _by_derivatives(situation: Situation) -> Sequence[Choice]:
    """Measured on 20 sigmoid layers: LSUV 0.96, ReZero 0.97, tanh 0.94, BatchNorm 0.93, pre-training 0.94,
    residual 0.95, highway 0.96, ReLU 0.48 (chance 0.1)."""
    own: list[Choice] = (
        [("initialization", "lsuv")] if situation.function in BOUNDED else [("initialization", None)]
    )
    return [
        *own,
        ("residual", "rezero"),
        ("activation", "tanh"),
        ("batch_norm", None),
        ("layerwise_pretraining", "supervised"),
        ("residual", "plain"),
        ("relu", None),
        *_highway(situation),
    ]


def _by_weights(situation: Situation) -> Sequence[Choice]:
    """The first weights are too small: the suited ones are the remedy. Deep rectifiers want more: over 30
    convolutions He alone reached 0.23, ReZero 0.96."""
    if situation.function in BOUNDED:
        return _by_derivatives(situation)
    own: list[Choice] = [("initialization", None), ("residual", "rezero")]
    if situation.function == "relu":
        own.reverse()
    return [
        *own,
        ("initialization", "lsuv"),
        ("batch_norm", None),
        ("residual", "batch_norm"),
        ("residual", "plain"),
        ("activation", "tanh"),
        ("layerwise_pretraining", "supervised"),
    ]


def _highway(situation: Situation) -> Sequence[Choice]:
    """It cured 20 layers, not 50 (measured)."""
    return [("highway", None)] if situation.depth <= DEEP else []


def _by_depth(situation: Situation) -> Sequence[Choice]:
    own: list[Choice] = [] if situation.function in BOUNDED else [("initialization", None)]
    return [
        ("residual", "rezero"),
        ("residual", "plain"),
        *own,
        ("batch_norm", None),
        ("residual", "batch_norm"),
        ("initialization", "lsuv"),
        ("activation", "tanh"),
        *_highway(situation),
        ("layerwise_pretraining", "supervised"),
    ]


def _by_time(_: Situation) -> Sequence[Choice]:
    """Measured over 100 steps: 0.78, 0.79, 0.64, 0.58 (chance 0.1); a forget bias of 1, or none, 0.09."""
    return [
        ("lstm", "chrono"),
        ("gru", "chrono"),
        ("orthogonal_recurrence", "orthogonal"),
        ("orthogonal_recurrence", "identity"),
        ("learning_rate", None),
    ]


_VANISHING: dict[str, Callable[[Situation], Sequence[Choice]]] = {
    "activation": _by_derivatives,
    "weights": _by_weights,
    "depth": _by_depth,
    "time": _by_time,
}


def _exploding(situation: Situation) -> Sequence[Choice]:
    if situation.bound_by == "time":
        first: list[Choice] = [("orthogonal_recurrence", "orthogonal"), ("lstm", "chrono")]
        last: list[Choice] = [("shorter_backpropagation", None)]
    else:
        first = [("initialization", None), ("layer_norm", None), ("initialization", "lsuv")]
        last = [("residual", "plain")]
    return [("gradient_clipping", None), ("learning_rate", None), *first, *last]


def _forward_collapse(situation: Situation) -> Sequence[Choice]:
    residual: list[Choice] = [("residual", variant) for variant in ("rezero", "plain", "batch_norm")]
    return [*residual, ("activation", "tanh"), *_highway(situation)]


def _non_finite(situation: Situation) -> Sequence[Choice]:
    own: list[Choice] = [("bfloat16", None)] if situation.precision == "float16" else []
    return [*own, ("learning_rate", None), ("gradient_clipping", None), ("input_scaling", None)]


def _always(*choices: str | Choice) -> Callable[[Situation], Sequence[Choice]]:
    listed = [(choice, None) if isinstance(choice, str) else choice for choice in choices]
    return lambda _: listed


RULES: dict[str, Callable[[Situation], Sequence[Choice]]] = {
    "vanishing_gradients": _vanishing,
    "exploding_gradients": _exploding,
    "dead_units": _always("initialization", ("activation", "gelu"), "learning_rate", "batch_norm"),
    "error_signal_saturated": _always("initialization", ("initialization", "lsuv")),
    "forward_collapse": _forward_collapse,
    "frozen_parameters": _always("unfreeze"),
    "gradient_underflow": _always("loss_scaling", "bfloat16"),
    "learning_rate_too_large": _always("learning_rate", "gradient_clipping", "batch_norm"),
    "learning_rate_too_small": _always("learning_rate"),
    "non_finite": _non_finite,
    "not_learning": _always("learning_rate", "initialization", ("residual", "rezero"), "batch_norm"),
    "poor_initialization": _always(
        "initialization", ("initialization", "lsuv"), "batch_norm", ("residual", "rezero")
    ),
    "saturated_activations": _always(
        "input_scaling", ("initialization", "lsuv"), "batch_norm", ("activation", "tanh"), "learning_rate"
    ),
    "slow_convergence": _always("learning_rate", "batch_norm"),
    "unscaled_inputs": _always("input_scaling", "batch_norm"),
    "unstable_training": _always("learning_rate", "gradient_clipping", "batch_norm"),
    "weights_near_zero": _always("initialization", ("initialization", "lsuv"), "learning_rate"),
}
"""What each condition speaks for, the likeliest first."""
