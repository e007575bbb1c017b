"""How weights and biases get their first values. Statistics are those of `torch.nn.init`."""

import math
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from service.contract.base import Contract

Gain = Annotated[float, Field(gt=0.0, le=1e6)]
Moment = Annotated[float, Field(ge=-1e6, le=1e6)]
Spread = Annotated[float, Field(ge=0.0, le=1e6)]


class TorchDefault(Contract):
    """What PyTorch does if it is not told otherwise: U(±1/√fan_in) for linear and convolutional layers and
    their biases, U(±1/√units) for recurrent ones, N(0, 1) for embeddings."""

    name: Literal["torch_default"] = "torch_default"
    """The initialiser."""


class XavierUniform(Contract):
    """U(±a), a = gain·√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    name: Literal["xavier_uniform"] = "xavier_uniform"
    """The initialiser."""
    gain: Gain = 1.0
    """Factor on the standard deviation."""


class XavierNormal(Contract):
    """N(0, std²), std = gain·√(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    name: Literal["xavier_normal"] = "xavier_normal"
    """The initialiser."""
    gain: Gain = 1.0
    """Factor on the standard deviation."""


class HeUniform(Contract):
    """U(±a), a = gain·√(3 / fan_in) (He et al. 2015)."""

    name: Literal["he_uniform"] = "he_uniform"
    """The initialiser."""
    gain: Gain = math.sqrt(2.0)
    """Factor on the standard deviation; √2 suits ReLU."""


class HeNormal(Contract):
    """N(0, std²), std = gain / √fan_in (He et al. 2015)."""

    name: Literal["he_normal"] = "he_normal"
    """The initialiser."""
    gain: Gain = math.sqrt(2.0)
    """Factor on the standard deviation; √2 suits ReLU."""


class LecunNormal(Contract):
    """N(0, std²), std = gain / √fan_in (LeCun et al. 1998; Klambauer et al. 2017 for SELU)."""

    name: Literal["lecun_normal"] = "lecun_normal"
    """The initialiser."""
    gain: Gain = 1.0
    """Factor on the standard deviation."""


class Orthogonal(Contract):
    """A random (semi-)orthogonal matrix times gain (Saxe et al. 2014)."""

    name: Literal["orthogonal"] = "orthogonal"
    """The initialiser."""
    gain: Gain = 1.0
    """Factor on the matrix."""


class Identity(Contract):
    """The identity matrix times gain, cut or padded with zeros if it is not square; for a kernel, the one
    that passes its input on (Le et al. 2015, for recurrent weights)."""

    name: Literal["identity"] = "identity"
    """The initialiser."""
    gain: Gain = 1.0
    """Factor on the matrix."""


class Normal(Contract):
    """N(mean, std²)."""

    name: Literal["normal"] = "normal"
    """The initialiser."""
    mean: Moment = 0.0
    """Mean."""
    std: Spread = 1.0
    """Standard deviation."""


class Uniform(Contract):
    """U(low, high)."""

    name: Literal["uniform"] = "uniform"
    """The initialiser."""
    low: Moment = 0.0
    """Smallest value."""
    high: Moment = 1.0
    """Largest value."""

    @model_validator(mode="after")
    def _ordered(self) -> "Uniform":
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) must not be above high ({self.high:g})")
        return self


class Zeros(Contract):
    """All 0."""

    name: Literal["zeros"] = "zeros"
    """The initialiser."""


class Constant(Contract):
    """All the same."""

    name: Literal["constant"] = "constant"
    """The initialiser."""
    value: Moment
    """The value."""


Initializer = Annotated[
    TorchDefault
    | XavierUniform
    | XavierNormal
    | HeUniform
    | HeNormal
    | LecunNormal
    | Orthogonal
    | Identity
    | Normal
    | Uniform
    | Zeros
    | Constant,
    Field(discriminator="name"),
]
"""The initialisers, as objects."""
BiasInitializer = Annotated[TorchDefault | Normal | Uniform | Zeros | Constant, Field(discriminator="name")]
"""Those that make sense for a bias, which has no fan-in and no fan-out."""

InitializerName = Literal[
    "torch_default",
    "xavier_uniform",
    "xavier_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "orthogonal",
    "identity",
    "normal",
    "uniform",
    "zeros",
]
"""Those that can be asked for by name alone: all whose parameters have defaults."""
BiasInitializerName = Literal["torch_default", "normal", "uniform", "zeros"]

INITIALIZERS: tuple[type[Contract], ...] = get_args(get_args(Initializer)[0])
"""The initialisers' types."""


def _named(value: Any) -> Any:
    """A bare name stands for the initialiser of that name with its defaults."""
    return {"name": value} if isinstance(value, str) else value


Init = Annotated[Initializer, BeforeValidator(_named, json_schema_input_type=InitializerName | Initializer)]
"""An initialiser: its name, or an object with the name and its parameters."""
BiasInit = Annotated[
    BiasInitializer, BeforeValidator(_named, json_schema_input_type=BiasInitializerName | BiasInitializer)
]
"""A bias initialiser: its name, or an object with the name and its parameters."""
