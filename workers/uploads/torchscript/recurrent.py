"""Recurrent operators, fused and written out step by step."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workers.models.recurrent import CELLS, CellRule, State
from workers.uploads.torchscript.operators.layers import RECURRENT

Tap = Callable[[Sequence[Tensor]], None]
WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
PROJECTION = "weight_hr"
MOST_GATES = 4
"""Of a cell: an LSTM's. Where the weights of the hidden state have more rows for each output, it projects."""


def runner(operator: str, fused: Callable[..., Any]) -> Callable[..., Any]:
    """What runs `aten::lstm` and its like: (tap or None, then the operator's arguments) to its results.

    With a tap it runs unrolled. What this does not know (packed sequences) stays fused.
    """
    nonlinearity = torch.relu if operator == "rnn_relu" else torch.tanh
    rule = CELLS[RECURRENT[operator]]  # type: ignore[index]

    def run(tap: Tap | None, *arguments: Any) -> Any:
        if tap is None or not _can_unroll(arguments):
            return fused(*arguments)
        return _Unrolled(rule, nonlinearity, *arguments).run(tap)

    return run


def weight_names(tensors: Sequence[Tensor], *, bidirectional: bool) -> list[str]:
    """PyTorch's names of a recurrent layer's tensors, by their order; biases have one dimension."""
    own = [*WEIGHTS] if any(tensor.dim() == 1 for tensor in tensors) else [*WEIGHTS[:2]]
    rows, outputs = tensors[1].shape
    if rows > MOST_GATES * outputs:
        own.append(PROJECTION)
    names = []
    for index in range(len(tensors)):
        run, which = divmod(index, len(own))
        layer, backwards = divmod(run, 2) if bidirectional else (run, 0)
        names.append(f"{own[which]}_l{layer}{'_reverse' if backwards else ''}")
    return names


def _can_unroll(arguments: Sequence[Any]) -> bool:
    inputs, initial, weights, has_biases, layers, _, _, bidirectional, _ = arguments
    per_layer = _tensors_per_run(initial, has_biases=has_biases) * (2 if bidirectional else 1)
    return bool(inputs.dim() == 3 and len(weights) == per_layer * layers)


def _projects(initial: Tensor | Sequence[Tensor]) -> bool:
    """Whether what it gives is narrower than what it carries."""
    return not isinstance(initial, Tensor) and initial[0].shape[-1] != initial[-1].shape[-1]


def _tensors_per_run(initial: Tensor | Sequence[Tensor], *, has_biases: bool) -> int:
    return (4 if has_biases else 2) + _projects(initial)


class _Unrolled:
    """One call of a recurrent operator, with the arguments of its schema."""

    def __init__(
        self,
        rule: CellRule,
        nonlinearity: Callable[[Tensor], Tensor],
        inputs: Tensor,
        initial: Tensor | Sequence[Tensor],
        weights: Sequence[Tensor],
        has_biases: bool,
        layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> None:
        self._rule = rule
        self._nonlinearity = nonlinearity
        self._inputs = inputs.transpose(0, 1) if batch_first else inputs
        self._initial = [initial] if isinstance(initial, Tensor) else list(initial)
        self._has_biases = has_biases
        self._projects = _projects(initial)
        self._per_run = _tensors_per_run(initial, has_biases=has_biases)
        self._weights = weights
        self._layers = layers
        self._dropout = dropout if train else 0.0
        self._directions = 2 if bidirectional else 1
        self._batch_first = batch_first

    def run(self, tap: Tap) -> tuple[Tensor, ...]:
        """The operator's results: outputs, then the last state of each layer and direction."""
        outputs = self._inputs
        last: list[State] = []
        hidden: list[Tensor] = []
        for layer in range(self._layers):
            if layer > 0 and self._dropout > 0.0:
                outputs = functional.dropout(outputs, self._dropout, training=True)
            runs = []
            for direction in range(self._directions):
                states, final = self._over_time(outputs, layer * self._directions + direction, direction == 1)
                runs.append(torch.stack(states))
                last.append(final)
                hidden = states if direction == 0 else hidden
            outputs = torch.cat(runs, dim=-1)
        tap(hidden)
        finals = (torch.stack([state[part] for state in last]) for part in range(self._rule.states))
        return (outputs.transpose(0, 1) if self._batch_first else outputs, *finals)

    def _over_time(self, inputs: Tensor, index: int, reverse: bool) -> tuple[list[Tensor], State]:
        """The hidden states of one layer in one direction, in the order of time, and its last state."""
        weights = self._weights[index * self._per_run : (index + 1) * self._per_run]
        weight_ih, weight_hh = weights[:2]
        bias_ih, bias_hh = weights[2:4] if self._has_biases else (None, None)
        given = functional.linear(inputs, weight_ih, bias_ih).unbind(0)
        state: State = tuple(part[index] for part in self._initial)
        hidden: list[Tensor] = []
        for step in reversed(given) if reverse else given:
            carried = functional.linear(state[0], weight_hh, bias_hh)
            state = self._rule.step(step, carried, state, self._nonlinearity)
            if self._projects:
                state = (functional.linear(state[0], weights[-1]), *state[1:])
            hidden.append(state[0])
        return (hidden[::-1] if reverse else hidden), state
