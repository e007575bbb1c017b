"""Operators that ATen runs on arguments for which they are not defined: it then reads beyond a tensor, or
stops the process. Each was seen to do so (PyTorch 2.13, on CPU); their arguments are checked here first.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import invalid, unsafe
from workers.uploads.torchscript.operators.layers import RECURRENT

Check = Callable[..., None]
"""Takes the operator's arguments; raises RefusalError."""

MAX_SCALE = 1e4
"""Of resampling. Beyond float precision, positions would be converted to any integer."""
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator with its check before it."""
    check = CHECKS.get(name)
    if check is None:
        return function

    def guarded(*arguments: Any, **named: Any) -> Any:
        check(*arguments)
        return function(*arguments, **named)

    return guarded


def check_division(dividend: Any, divisor: Any, *_: Any) -> None:
    """The smallest integer divided by -1 overflows, which x86 processors answer with a signal (SIGFPE)."""
    if not (_is_integer(dividend) and _is_integer(divisor) and _holds(divisor, -1)):
        return
    if not isinstance(dividend, Tensor) or _holds(dividend, torch.iinfo(dividend.dtype).min):
        raise unsafe("The smallest integer is divided by -1.")


def _is_integer(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)
    return isinstance(value, int)


def _holds(value: Any, number: int) -> bool:
    if isinstance(value, Tensor):
        return bool((value == number).any())
    return bool(value == number)


def check_attention(query: Tensor, key: Tensor, value: Tensor, *_: Any) -> None:
    """Keys and values of different lengths are read beyond their end."""
    if key.shape[:-1] != value.shape[:-1] or query.shape[-1:] != key.shape[-1:]:
        raise invalid(
            f"Attention's query, key and value do not fit: {list(query.shape)}, {list(key.shape)}, "
            f"{list(value.shape)}."
        )


def check_weight_norm(direction: Tensor, length: Tensor, dimension: int = 0) -> None:
    """Fewer lengths than directions are read beyond their end; with none at all it divides by zero."""
    wanted = [1] * direction.dim()
    if dimension != -1 and -direction.dim() <= dimension < direction.dim():
        wanted[dimension] = direction.shape[dimension]
    if length.numel() != math.prod(wanted) or direction.numel() == 0:
        raise invalid(f"Weight normalisation needs lengths of shape {wanted}, not {list(length.shape)}.")


def check_batch_norm(inputs: Tensor, weight: Tensor | None, bias: Tensor | None, *others: Any) -> None:
    """The native forms read and write a value for each channel, however many they are given, and statistics
    even where there are none. `others` begin with mean and variance, but for the overload without."""
    has_statistics = not isinstance(others[0], bool)
    mean, variance = others[:2] if has_statistics else (None, None)
    training = others[2 if has_statistics else 0] is True  # a momentum, for the form that never trains
    vectors = [vector for vector in (weight, bias, mean, variance) if vector is not None]
    if any(vector.shape != inputs.shape[1:2] for vector in vectors):
        raise invalid(f"Batch normalisation's weights or statistics do not fit {list(inputs.shape)}.")
    if not training and (mean is None or variance is None):
        raise invalid("Batch normalisation in evaluation mode needs statistics.")


def check_grid(_: Tensor, __: Tensor, interpolation: int, padding: int, *___: Any) -> None:
    """Modes are not checked; an unknown one leaves the result unwritten."""
    if interpolation not in range(3) or padding not in range(3):
        raise invalid("grid_sample knows the modes 0, 1 and 2.")


def check_scales(*arguments: Any) -> None:
    """Scales so extreme that the position they lead to is no 64-bit integer."""
    for scale in _floats(arguments):
        if not (0.0 < scale <= MAX_SCALE and 1.0 / scale <= MAX_SCALE):
            raise unsafe(f"A tensor would be resampled by a factor of {scale:g}.")


def _floats(values: Sequence[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, float):
            yield value
        elif isinstance(value, list):
            yield from _floats(value)


def check_recurrent(gates: int) -> Check:
    """Weights and states of the wrong shape are read beyond their end by the fused kernels."""

    def check(
        inputs: Tensor,
        initial: Tensor | Sequence[Tensor],
        weights: Sequence[Tensor],
        has_biases: bool,
        layers: int,
        _dropout: float,
        _train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> None:
        states = [initial] if isinstance(initial, Tensor) else list(initial)
        directions = 2 if bidirectional else 1
        if inputs.dim() != 3 or len(states) != (2 if gates == 4 else 1) or not 0 < layers <= len(weights):
            raise invalid("A recurrent layer is given inputs, states or layers in a wrong number.")
        batch = inputs.shape[0 if batch_first else 1]
        size = _Sizes(gates, inputs.shape[2], states[-1].shape[-1], states[0].shape[-1])
        found = [tuple(weight.shape) for weight in weights]
        if found[0] != (size.rows, size.features) and len(found[0]) == 2:
            raise invalid(
                f"A recurrent layer takes {found[0][1]} features a step, and is given {size.features}: "
                f"inputs of shape {list(inputs.shape)}."
            )
        wanted = [(layers * directions, batch, width) for width in (size.outputs, size.hidden)]
        if (
            size.outputs > size.hidden
            or [tuple(state.shape) for state in states] != wanted[: len(states)]
            or found != size.weights(layers, directions, has_biases)
        ):
            raise invalid(
                f"A recurrent layer's states or weights do not fit inputs of shape {list(inputs.shape)}."
            )

    return check


class _Sizes(NamedTuple):
    """Of a recurrent layer."""

    gates: int
    features: int
    hidden: int
    """Of what it carries from step to step."""
    outputs: int
    """Of what it gives: fewer where it projects (LSTM; Sak et al. 2014)."""

    @property
    def rows(self) -> int:
        return self.gates * self.hidden

    def weights(self, layers: int, directions: int, has_biases: bool) -> list[tuple[int, ...]]:
        """The shapes of the weights, in their order."""
        biases = [(self.rows,), (self.rows,)] if has_biases else []
        projection = [(self.outputs, self.hidden)] if self.outputs != self.hidden else []
        shapes: list[tuple[int, ...]] = []
        for layer in range(layers):
            given = self.features if layer == 0 else self.outputs * directions
            own = [(self.rows, given), (self.rows, self.outputs), *biases, *projection]
            shapes += own * directions
        return shapes


INTEGER_DIVISIONS = frozenset(
    f"{name}{suffix}"
    for name in ("remainder", "fmod", "floor_divide", "div", "divide")
    for suffix in ("", "_")
)

BATCH_NORMS = (
    "native_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_functional",
    "_native_batch_norm_legit_no_training",
)
RESAMPLING = """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
    """

CHECKS: dict[str, Check] = {
    **dict.fromkeys(INTEGER_DIVISIONS, check_division),
    **dict.fromkeys(RESAMPLING.split(), check_scales),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), check_grid),
    **{name: check_recurrent(GATES[name]) for name in RECURRENT},
    "scaled_dot_product_attention": check_attention,
    "_scaled_dot_product_attention_math": check_attention,
    "_weight_norm": check_weight_norm,
    **dict.fromkeys(BATCH_NORMS, check_batch_norm),
}
"""By name in the `aten` namespace."""
