"""Traces made by hand: networks whose gradient behaves as a test says, without training one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from workers.diagnosis import diagnose
from workers.probes.examined import Cost, DataCheck, Examination, ParameterInfo
from workers.probes.trace import Evaluation, FloatArray, LayerInfo, RunInfo, Series, TimeProfile, Trace

RUN = RunInfo(
    task="classification", classes=10, optimizer="sgd", learning_rate=0.05, batch_size=64, steps_planned=200,
    precision="float32", seed=0, device="cpu", torch="2.13.0", seconds=2.0, probe_overhead=1.04,
)  # fmt: skip

LEARNED = Evaluation(
    metric="accuracy", before=0.1, after=0.95, after_on_training_data=0.97, chance=0.1, samples=360
)
AT_CHANCE = replace(LEARNED, after=0.09, after_on_training_data=0.1)
POOR = replace(LEARNED, after=0.3, after_on_training_data=0.32)

BALANCED = {"activation": -0.15, "linear": 0.15}

EXAMINATION = Examination(
    step=0, loss=2.3, error_level=1.0, error_reaching_output=1.0, line_search_gain=0.25, best_step_ratio=0.3,
    overfit_ratio=1e-4, predicted_share_bottom=0.4, feature_rank=8.0, input_rank=12.0,
    feature_correlation=0.3, output_variance_share=0.5, flushed_share=0.0, absorbed_share=0.0,
)  # fmt: skip
"""A network that can be trained, before training."""

DATA = DataCheck(
    samples=1437, constant_features=0.05, feature_scale_ratio=0.4, input_mean_ratio=0.8,
    neighbour_score=0.97, neighbour_score_shuffled=0.13, largest_class_share=0.1, smallest_class_share=0.1,
    duplicate_share=0.0,
)  # fmt: skip

COST = Cost(
    data_seconds=0.01, compute_seconds=0.08, optimizer_seconds=0.01, flops_per_step=1e9, achieved_flops=1e10,
    peak_flops=4e10, denormal_share=0.0,
)  # fmt: skip


def parameter(layer: str, **changes: Any) -> ParameterInfo:
    """A weight that is trained and reached."""
    given: dict[str, Any] = {
        "size": 4096, "trained": True, "reached": True, "zero_at_start": False, "zero_later": False,
    }  # fmt: skip
    return ParameterInfo(name=f"{layer}.weight", layer=layer, **given | changes)


def findings(trace: Trace) -> dict[str, str]:
    """What is found in it, and how severe."""
    return {f.condition: f.severity for f in diagnose(trace, service_version="0.1.0").findings}


def layer(name: str, op: str = "linear", **changes: Any) -> LayerInfo:
    """A layer of 64 units; only linear ones have parameters, unless told otherwise."""
    given: dict[str, Any] = {
        "function": None, "parameters": 4160 if op == "linear" else 0,
        "on_spine": True, "output_shape": (64,),
    } | changes  # fmt: skip
    return LayerInfo(name=name, op=op, trainable=given.pop("trainable", given["parameters"] > 0), **given)


def mlp(depth: int, function: str = "sigmoid") -> list[LayerInfo]:
    """`depth` pairs of linear and activation, and a linear head."""
    layers = [layer("0", "flatten")]
    for i in range(depth):
        layers += [layer(f"{i + 1}.0"), layer(f"{i + 1}.1", "activation", function=function)]
    return [*layers, layer("head")]


@dataclass
class TraceBuilder:
    """A trace in the making. Gains are decades per layer passed on the way back."""

    layers: Sequence[LayerInfo]
    gains: dict[str, float] = field(default_factory=dict)
    """Decades by which each op changes the gradient."""
    steps: int = 200
    loss: FloatArray | None = None
    evaluation: Evaluation | None = LEARNED
    run: RunInfo = RUN
    scale: float = 1.0
    """Factor on every gradient, as a scaled loss has it."""
    extra: dict[str, Series] = field(default_factory=dict)
    through_time: dict[str, TimeProfile] = field(default_factory=dict)
    examinations: tuple[Examination, ...] = ()
    data_check: DataCheck | None = None
    parameters: tuple[ParameterInfo, ...] = ()
    cost: Cost | None = None

    def log_norms(self) -> FloatArray:
        """log10 of the backward signal at each layer's output: the sum of the gains above it."""
        above = 0.0
        norms = []
        for info in reversed(self.layers):
            norms.append(above)
            above += self.gains.get(info.op, 0.0)
        return np.array(norms[::-1]) + math.log10(self.scale)

    def probed(self) -> np.ndarray:
        return np.unique(np.linspace(0, max(self.steps - 1, 0), 20).astype(np.int64))

    def series(self, row: FloatArray) -> Series:
        """The same values at every probed step."""
        steps = self.probed()
        return Series(steps, np.tile(row, (len(steps), 1)))

    def at(self, name: str, first: float, last: float | None = None) -> FloatArray:
        """(probed steps, layers) of a quantity of the layer of that name, from its first value to its last;
        NaN elsewhere."""
        column = [info.name for info in self.layers].index(name)
        values = np.full((len(self.probed()), len(self.layers)), math.nan)
        values[:, column] = np.linspace(first, first if last is None else last, len(values))
        return values

    def with_series(self, quantity: str, *values: FloatArray) -> "TraceBuilder":
        """The same with one more series: what several `at` say together."""
        known = np.nanmax(np.stack(values), axis=0) if len(values) > 1 else values[0]
        return replace(self, extra=self.extra | {quantity: Series(self.probed(), known)})

    def build(self) -> Trace:
        norms = 10.0 ** self.log_norms()
        with_parameters = np.array([info.parameters > 0 for info in self.layers])
        series = {
            "backpropagated.norm": self.series(norms),
            "gradient.norm": self.series(np.where(with_parameters, norms, np.nan)),
            "update.ratio": self.series(np.where(with_parameters, 1e-3, np.nan)),
        } | self.extra
        falling = self.evaluation is LEARNED
        loss = self.loss
        if loss is None:
            loss = self.scale * (
                np.geomspace(2.3, 0.4, max(self.steps, 1)) if falling else np.full(max(self.steps, 1), 2.3)
            )
        return Trace(
            run=replace(self.run, steps_planned=self.steps), layers=tuple(self.layers), loss=loss,
            total_gradient_norm=np.full(self.steps, 1.0 * self.scale), step_seconds=np.full(self.steps, 0.01),
            series=series, through_time=self.through_time, evaluation=self.evaluation,
            examinations=self.examinations, data_check=self.data_check, parameters=self.parameters,
            cost=self.cost,
        )  # fmt: skip


def network(depth: int = 5, function: str = "relu", **changes: Any) -> TraceBuilder:
    """A sound network, fully examined, that learned; with changes."""
    given: dict[str, Any] = {
        "layers": mlp(depth, function), "gains": BALANCED, "examinations": (EXAMINATION,), "data_check": DATA,
    }  # fmt: skip
    return TraceBuilder(**given | changes)


def failed(**changes: Any) -> TraceBuilder:
    """The same, but it did not learn."""
    return network(**{"evaluation": AT_CHANCE} | changes)


def examined(**changes: Any) -> tuple[Examination, ...]:
    """An examination before training, with other results."""
    return (replace(EXAMINATION, **changes),)


def recurrent_trace(
    decades: float, *, length: int = 100, within: float | None = None, **changes: Any
) -> Trace:
    """A recurrent network whose gradient changes by so many decades from the last time step to the first."""
    inner = np.linspace(decades if within is None else within, 0.0, length - 1)
    profile = np.concatenate([inner + (0.0 if within is None else decades - within), [0.0]])
    cell = layer("0", "recurrent", function=changes.pop("cell", "rnn"), parameters=2000, output_shape=(64,))
    builder = TraceBuilder([cell, layer("1")], **changes)
    builder.through_time = {"0": TimeProfile(np.array([0, 10]), np.tile(10.0**profile, (2, 1)))}
    return builder.build()
