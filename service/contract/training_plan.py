"""How the network is to be trained and probed."""

from typing import Literal

from pydantic import Field, model_validator

from service.contract.base import Contract, Fraction

OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop"]
LossName = Literal["auto", "cross_entropy", "mse", "bce_with_logits"]
Precision = Literal["float32", "bfloat16", "float16"]
Device = Literal["auto", "cpu", "cuda"]

WITH_MOMENTUM = ("sgd", "rmsprop")
"""The optimizers whose momentum can be set."""


class LayerwisePretraining(Contract):
    """Before the training proper, the layers are trained one after another, from the first to the last, each
    on what the trained ones below make of the inputs: the multi-level hierarchy of Schmidhuber 1992, as in
    Hinton et al. 2006 and Bengio et al. 2007. Then all are trained together."""

    kind: Literal["layerwise"] = "layerwise"
    """The kind of pre-training."""
    target: Literal["supervised", "reconstruction"] = "supervised"
    """What a level is trained for: the job's own targets, through a temporary output layer, or its input
    again, through a temporary decoder."""
    steps_per_level: int = Field(default=100, ge=1, le=100_000)
    """Optimizer steps for each level."""
    learning_rate: float = Field(default=0.01, gt=0.0, le=1e3)
    """Step size of the pre-training's optimizer, Adam."""


class DataInitialization(Contract):
    """Scales the weights of each linear and convolutional layer but the last, in the order of the forward
    pass, so that its output has variance 1 on training samples (LSUV: Mishkin & Matas 2016)."""

    kind: Literal["lsuv"] = "lsuv"
    """The kind of initialisation."""
    centred: bool = True
    """Also set the biases so that each unit's mean output is 0. A deep sigmoid network needs that."""
    samples: int = Field(default=256, ge=2, le=65_536)
    """Training samples that it looks at."""


class TrainingPlan(Contract):
    """The training run whose health is asked for: give the settings that you train with."""

    optimizer: OptimizerName = "sgd"
    """The optimizer."""
    learning_rate: float = Field(default=0.05, gt=0.0, le=1e6, examples=[0.05])
    """Step size."""
    momentum: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Momentum of `sgd` and `rmsprop`; refused for `adam` and `adamw`, which have their own."""
    weight_decay: float = Field(default=0.0, ge=0.0, le=1e3)
    """Weight decay: added to the gradient, decoupled for `adamw`."""
    batch_size: int = Field(default=64, ge=1, le=65_536)
    """Samples per step."""
    steps: int = Field(default=200, ge=0, le=100_000)
    """Optimizer steps. 0 probes the network at initialisation only."""
    loss: LossName = "auto"
    """`auto`: cross_entropy for classes, mse for real targets."""
    precision: Precision = "float32"
    """Number format of the forward and backward pass (autocast); the weights stay float32."""
    loss_scaling: bool = True
    """For `float16`: scale the loss dynamically so that small gradients do not underflow."""
    clip_grad_norm: float | None = Field(default=None, gt=0.0, le=1e6)
    """Clip the total gradient norm to this value; null does not clip."""
    pretraining: LayerwisePretraining | None = None
    """What is trained before; null: nothing."""
    initialization: DataInitialization | None = None
    """Adapts the first weights to the data; null: they stay as the model says."""
    truncate_time: int | None = Field(default=None, ge=1, le=1_000_000)
    """For recurrent layers: the gradient is passed back through at most this many time steps (truncated
    backpropagation through time, Williams & Peng 1990); null: through all."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the initialisation, the data order and the dropout masks."""

    @model_validator(mode="after")
    def _momentum_belongs_to_optimizers_that_take_it(self) -> "TrainingPlan":
        if self.momentum and self.optimizer not in WITH_MOMENTUM:
            raise ValueError(
                f'"momentum" is for {" and ".join(WITH_MOMENTUM)}; {self.optimizer} has its own: leave it out'
            )
        return self


class ProbePlan(Contract):
    """How often to measure."""

    every: Literal["auto"] | int = Field(default="auto", examples=["auto", 1, 10])
    """Steps between full measurements, or `auto`: dense at first, then within `budget`."""
    budget: Fraction = 0.05
    """For `auto`: share of the training time that full measurements may cost."""


class Limits(Contract):
    """What the job may use before it is ended."""

    wall_seconds: float = Field(default=600.0, gt=0.0, le=86_400.0)
    """Wall-clock seconds of the job; each training of a remedy's trial may take as long, too."""
    memory_mib: int | None = Field(default=None, ge=512, le=1_048_576)
    """Memory of the job's process in MiB; null takes the worker's own limit."""
