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
    """Wall-clock seconds."""
    memory_mib: int | None = Field(default=None, ge=512, le=1_048_576)
    """Memory of the job's process in MiB; null takes the worker's own limit."""
