"""Recurrent layers."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from service.contract.layers.base import LayerError, ParametricLayer, Size, Switch, require
from service.contract.layers.initializers import BiasInit, Init, TorchDefault
from service.contract.shapes import Signal

Cell = Literal["rnn", "lstm", "gru"]

GATES: dict[Cell, int] = {"rnn": 1, "lstm": 4, "gru": 3}
"""How many blocks of `units` rows a cell's weights have."""

ForgetBias = Annotated[float, Field(ge=-1e3, le=1e3)]


def check_cell(cell: Cell, nonlinearity: str | None, forget_bias: float | str | None) -> None:
    """Raise ValueError for a parameter that the cell does not have."""
    if nonlinearity is not None and cell != "rnn":
        raise ValueError(f'"nonlinearity" is a parameter of the cell rnn; {cell} has fixed functions')
    if forget_bias is not None and cell == "rnn":
        raise ValueError('"forget_bias" needs a gate: the cell rnn has none; lstm and gru do')


class Recurrent(ParametricLayer):
    """A recurrent layer over a sequence (time, features): a plain RNN (Elman 1990), an LSTM (Hochreiter &
    Schmidhuber 1997, with forget gates) or a GRU (Cho et al. 2014), as PyTorch computes them."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_alias=True, validate_by_name=True)

    op: Literal["recurrent"] = "recurrent"
    """Its operation."""
    cell: Cell = "rnn"
    """The cell."""
    units: Size = Field(examples=[64])
    """Number of its hidden units."""
    returns: Literal["last", "sequence"] = Field(default="last", alias="return")
    """`last`: the hidden state after the last step, (units,). `sequence`: all of them, (time, units)."""
    nonlinearity: Literal["tanh", "relu"] | None = None
    """For the cell `rnn`: its activation function; null: tanh."""
    init: Init = TorchDefault()
    """Initialiser of the weights from the input, for each gate by itself."""
    recurrent_init: Init = TorchDefault()
    """Initialiser of the weights from the previous step, for each gate by itself."""
    bias: Switch = True
    """Whether it adds biases."""
    bias_init: BiasInit = TorchDefault()
    """Initialiser of the biases."""
    forget_bias: ForgetBias | Literal["chrono"] | None = Field(default=None, examples=[1.0, "chrono"])
    """Bias of the gate that keeps the state: an LSTM's forget gate, a GRU's update gate. null: as the others.
    `chrono`: ln U(1, T - 1) for T steps, and minus that for an LSTM's input gate (Tallec & Ollivier 2018)."""

    @model_validator(mode="after")
    def _parameters_belong_to_the_cell(self) -> "Recurrent":
        check_cell(self.cell, self.nonlinearity, self.forget_bias)
        if not self.bias and (self.forget_bias is not None or self.bias_init != TorchDefault()):
            raise ValueError('"forget_bias" or "bias_init" is given but "bias" is false')
        return self

    def output(self, given: Signal) -> Signal:
        require(given, "sequence")
        if self.forget_bias == "chrono" and given.shape[0] < 3:
            raise LayerError(
                f"chrono needs at least 3 time steps; the sequence {given} is shorter", "forget_bias"
            )
        return Signal((self.units,) if self.returns == "last" else (given.shape[0], self.units))

    def parameter_count(self, given: Signal) -> int:
        return GATES[self.cell] * self.units * (given.features + self.units + 2 * self.bias)

    def kept_values(self, given: Signal) -> int:
        return given.shape[0] * self.units * (GATES[self.cell] + 1)
