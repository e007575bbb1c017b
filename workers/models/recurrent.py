"""Recurrent layers: PyTorch's fused kernels, and the same written out step by step."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from service.contract.expansion import PlannedLayer
from service.contract.layers.initializers import TorchDefault, Zeros
from service.contract.layers.recurrent import GATES, Cell
from service.contract.layers.recurrent import Recurrent as RecurrentSpec
from workers.models.initialization import initialize, uniform_within
from workers.models.registry import builds

State = tuple[Tensor, ...]
"""What a cell carries from step to step; the hidden state first."""


@dataclass(frozen=True)
class CellRule:
    """One kind of cell."""

    kernel: Callable[..., nn.RNNBase]
    """PyTorch's fused layer."""
    states: int
    """Number of tensors in its state."""
    step: Callable[[Tensor, Tensor, State, Callable[[Tensor], Tensor]], State]
    """(from the input, from the previous hidden state, state, nonlinearity) to the next state."""
    keep_gate: int | None
    """Which block of rows belongs to the gate that keeps the state."""
    write_gate: int | None = None
    """Which block belongs to a gate of its own that lets the input in."""


def _rnn_step(given: Tensor, carried: Tensor, _: State, nonlinearity: Callable[[Tensor], Tensor]) -> State:
    return (nonlinearity(given + carried),)


def _lstm_step(given: Tensor, carried: Tensor, state: State, _: Callable[[Tensor], Tensor]) -> State:
    write, keep, candidate, show = (given + carried).chunk(4, dim=1)
    memory = keep.sigmoid() * state[1] + write.sigmoid() * candidate.tanh()
    return show.sigmoid() * memory.tanh(), memory


def _gru_step(given: Tensor, carried: Tensor, state: State, _: Callable[[Tensor], Tensor]) -> State:
    given_reset, given_keep, given_candidate = given.chunk(3, dim=1)
    carried_reset, carried_keep, carried_candidate = carried.chunk(3, dim=1)
    reset = (given_reset + carried_reset).sigmoid()
    keep = (given_keep + carried_keep).sigmoid()
    candidate = (given_candidate + reset * carried_candidate).tanh()
    return ((1.0 - keep) * candidate + keep * state[0],)


CELLS: dict[Cell, CellRule] = {
    "rnn": CellRule(nn.RNN, 1, _rnn_step, keep_gate=None),
    "lstm": CellRule(nn.LSTM, 2, _lstm_step, keep_gate=1, write_gate=0),
    "gru": CellRule(nn.GRU, 1, _gru_step, keep_gate=1),
}
"""The cells, with PyTorch's order of gates."""


class Recurrent(nn.Module):
    """A recurrent layer over sequences (batch, time, features).

    It runs PyTorch's fused kernel. While `time_tap` is set it runs an unrolled loop over the same parameters
    instead, equal up to rounding, and hands over the hidden states h_1 … h_T, each (batch, units) and part of
    the graph, so that the gradient reaching each of them can be read by tensor hooks.
    """

    time_tap: Callable[[Sequence[Tensor]], None] | None = None
    truncate_time: int | None = None
    """Steps through which the gradient is passed back at most (Williams & Peng 1990): the state is detached
    so many steps before the end, and so on. None: through all. The outputs are the same."""

    def __init__(
        self, cell: Cell, features: int, units: int, *, returns_sequence: bool, bias: bool, nonlinearity: str
    ) -> None:
        super().__init__()
        self.cell = cell
        self.returns_sequence = returns_sequence
        self.nonlinearity = nonlinearity
        options = {"nonlinearity": nonlinearity} if cell == "rnn" else {}
        self.kernel = CELLS[cell].kernel(features, units, bias=bias, batch_first=True, **options)

    def forward(self, inputs: Tensor) -> Tensor:
        states = self._fused(inputs) if self.time_tap is None else self._unrolled(inputs)
        return states if self.returns_sequence else states[:, -1]

    def _fused(self, inputs: Tensor) -> Tensor:
        cuts = self._cuts(inputs.shape[1])
        if not cuts:
            states: Tensor = self.kernel(inputs)[0]
            return states
        parts, state = [], None
        for part in inputs.tensor_split(cuts, dim=1):
            outputs, state = self.kernel(part, state)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            parts.append(outputs)
        return torch.cat(parts, dim=1)

    def _cuts(self, time: int) -> tuple[int, ...]:
        """The steps before which the state is detached."""
        if self.truncate_time is None:
            return ()
        return tuple(range(time - self.truncate_time, 0, -self.truncate_time))[::-1]

    def weights(self) -> tuple[Tensor, Tensor]:
        """The weights from the input and from the previous step; a block of rows per gate."""
        return self.kernel.get_parameter("weight_ih_l0"), self.kernel.get_parameter("weight_hh_l0")

    def biases(self) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """The biases beside them. PyTorch has two, whose sum acts (but for a GRU's candidate)."""
        if not self.kernel.bias:
            return None, None
        return self.kernel.get_parameter("bias_ih_l0"), self.kernel.get_parameter("bias_hh_l0")

    def _unrolled(self, inputs: Tensor) -> Tensor:
        rule = CELLS[self.cell]
        nonlinearity = torch.relu if self.nonlinearity == "relu" else torch.tanh
        weight_ih, weight_hh = self.weights()
        bias_ih, bias_hh = self.biases()
        given = functional.linear(inputs, weight_ih, bias_ih)
        state: State = (given.new_zeros(len(inputs), self.kernel.hidden_size),) * rule.states
        hidden: list[Tensor] = []
        cuts = self._cuts(inputs.shape[1])
        for time, step in enumerate(given.unbind(1)):
            state = tuple(s.detach() for s in state) if time in cuts else state
            carried = functional.linear(state[0], weight_hh, bias_hh)
            state = rule.step(step, carried, state, nonlinearity)
            hidden.append(state[0])
        if self.time_tap is not None:
            self.time_tap(hidden)
        return torch.stack(hidden, dim=1)


@builds(RecurrentSpec)
def _recurrent(spec: RecurrentSpec, plan: PlannedLayer, generator: Generator) -> nn.Module:
    module = Recurrent(
        spec.cell,
        plan.given.features,
        spec.units,
        returns_sequence=spec.returns == "sequence",
        bias=spec.bias,
        nonlinearity=spec.nonlinearity or "tanh",
    )
    default = uniform_within(1.0 / math.sqrt(spec.units))
    for weight, init in zip(module.weights(), (spec.init, spec.recurrent_init), strict=True):
        initialize(weight, init, default, generator, blocks=GATES[spec.cell])
    first, second = module.biases()
    if first is not None and second is not None:
        _initialize_biases(first, second, spec, generator)
        _set_gates(first, second, spec, plan.given.shape[0], generator)
    return module


def _initialize_biases(first: Tensor, second: Tensor, spec: RecurrentSpec, generator: Generator) -> None:
    """Fill both as PyTorch does, or put what was asked for into the first so that it is their sum."""
    default = uniform_within(1.0 / math.sqrt(spec.units))
    initialize(first, spec.bias_init, default, generator)
    initialize(second, spec.bias_init if spec.bias_init == TorchDefault() else Zeros(), default, generator)


@torch.no_grad()
def _set_gates(first: Tensor, second: Tensor, spec: RecurrentSpec, time: int, generator: Generator) -> None:
    """Set the bias of the gate that keeps the state and, for chrono, of the one that lets the input in."""
    rule = CELLS[spec.cell]
    if rule.keep_gate is None or spec.forget_bias is None:
        return
    firsts, seconds = first.chunk(GATES[spec.cell]), second.chunk(GATES[spec.cell])
    keep = firsts[rule.keep_gate]
    seconds[rule.keep_gate].zero_()
    if spec.forget_bias != "chrono":
        keep.fill_(spec.forget_bias)
        return
    keep.uniform_(1.0, time - 1.0, generator=generator).log_()
    if rule.write_gate is not None:
        firsts[rule.write_gate].copy_(-keep)
        seconds[rule.write_gate].zero_()
