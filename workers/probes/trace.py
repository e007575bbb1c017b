"""The Trace: everything that was measured in one training run. NumPy only, so that it can be diagnosed
anywhere."""

import gzip
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from workers.probes.examined import Cost as Cost
from workers.probes.examined import DataCheck as DataCheck
from workers.probes.examined import Examination as Examination
from workers.probes.examined import ParameterInfo as ParameterInfo
from workers.probes.examined import filled
from workers.probes.ledger.measured import LedgerTrace

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
T = TypeVar("T")
Task = Literal["classification", "regression"]

STATISTICS = ("norm", "mean", "std", "min", "max", "near_zero", "non_finite")
"""The summary of a tensor; series are named `<tensor>.<statistic>` with one of these tensors:"""
TENSORS = ("activation", "backpropagated", "weight", "gradient")
LAYER_QUANTITIES = ("update.ratio", "activation.saturation", "activation.dead_units", "backward.gain")


@dataclass(frozen=True)
class LayerInfo:
    """What a measured layer is. Layers stand in the order in which the forward pass finishes them."""

    name: str
    """Path in the network, as in `nn.Module.named_modules`."""
    op: str
    """Operation, as in the model spec; `residual` for a whole residual block."""
    function: str | None
    """Activation function, for `op == "activation"`; the cell, for `op == "recurrent"`."""
    parameters: int
    """Number of its own parameters (for `residual`: of its shortcut)."""
    trainable: bool
    """Whether any of its parameters is trained."""
    on_spine: bool
    """Whether every path from the loss to the input passes through it: not inside a residual block."""
    output_shape: tuple[int, ...]
    """Shape of its output for one sample."""


class Series(NamedTuple):
    """One quantity over steps and layers."""

    steps: IntArray
    """(k,) training steps at which it was measured, increasing; 0 is the first step, before its update."""
    values: FloatArray
    """(k, layers); NaN where the quantity does not exist for the layer."""


class TimeProfile(NamedTuple):
    """The size of the gradient that reaches each time step of a recurrent layer."""

    steps: IntArray
    """(k,) training steps."""
    norms: FloatArray
    """(k, T) Euclidean norm, over batch and units, of ∂loss/∂h_t (all paths), t = 1 … T."""


@dataclass(frozen=True)
class Evaluation:
    """How the network does on held-out data."""

    metric: Literal["accuracy", "mean_squared_error"]
    before: float
    """Before training."""
    after: float
    """After training."""
    after_on_training_data: float
    """After training, on (a sample of) the data it was trained on; NaN without training."""
    chance: float
    """Of the best constant prediction: the majority class, or the mean target."""
    samples: int
    """Number of held-out samples."""
    largest_answer_share: float = math.nan
    """Classification: share of the held-out samples that are given the most frequent answer after training;
    NaN in traces of earlier versions."""


@dataclass(frozen=True)
class RunInfo:
    """The circumstances of the run."""

    task: Task
    classes: int | None
    """Number of classes, for classification."""
    optimizer: str
    learning_rate: float
    batch_size: int
    steps_planned: int
    precision: str
    seed: int
    device: str
    """E.g. `cpu`, or the GPU's name."""
    torch: str
    """Version of PyTorch."""
    seconds: float
    """Seconds in the training loop, probing included."""
    probe_overhead: float | None
    """Estimated ratio of the run's duration to that of a run without probes."""
    stopped_early: str | None = None
    """Why fewer steps than planned were made, e.g. `non_finite_loss`."""
    examination_seconds: float = 0.0
    """Seconds spent on examinations, beside `seconds`."""
    threads: int | None = None
    """Threads of the tensor operations; None in traces of earlier versions."""
    momentum: float | None = None
    """Of SGD and RMSprop; None in traces of earlier versions, and where the optimizer has none."""
    weight_decay: float | None = None
    """As the job says; None in traces of earlier versions."""
    loss: str | None = None
    """Name of the loss function; None in traces of earlier versions."""
    loss_scaling: bool | None = None
    """Whether the loss is scaled up for the gradient's sake; None in traces of earlier versions."""
    clip_grad_norm: float | None = None
    """As the job says; None also in traces of earlier versions."""


@dataclass(frozen=True)
class Trace:
    """Everything that was measured in one run."""

    run: RunInfo
    layers: tuple[LayerInfo, ...]
    loss: FloatArray
    """(steps made,) training loss of each step, unscaled; for 0 steps the single loss at initialisation."""
    total_gradient_norm: FloatArray
    """(steps made,) Euclidean norm over all parameter gradients, before clipping."""
    step_seconds: FloatArray
    """(steps made,) duration of each step."""
    series: Mapping[str, Series]
    """Per-layer quantities by name: `<tensor>.<statistic>` and LAYER_QUANTITIES."""
    through_time: Mapping[str, TimeProfile] = field(default_factory=dict)
    """For each recurrent layer, by name."""
    evaluation: Evaluation | None = None
    """Null if it could not be evaluated."""
    ledger: LedgerTrace | None = None
    """What changes the gradient's size, cause by cause; null if the network is too large for it."""
    examinations: tuple[Examination, ...] = ()
    """Experiments on a copy of the network: before training, and after it if there was any."""
    data_check: DataCheck | None = None
    parameters: tuple[ParameterInfo, ...] = ()
    """Every parameter tensor of the network."""
    cost: Cost | None = None

    def layer_index(self, name: str) -> int:
        """Position of a layer. Raises KeyError if there is none of that name."""
        for index, layer in enumerate(self.layers):
            if layer.name == name:
                return index
        raise KeyError(name)

    def save(self, path: Path) -> None:
        """Write the trace as a compressed .npz without pickled objects; its `header` is JSON."""
        arrays: dict[str, Any] = {
            f"through_time/{n}/{f}": a for n, p in self.through_time.items() for f, a in p._asdict().items()
        }
        arrays |= {f"series/{n}/{f}": a for n, s in self.series.items() for f, a in s._asdict().items()}
        arrays |= {f"ledger/{n}": a for n, a in (self.ledger.arrays() if self.ledger else {}).items()}
        arrays |= {
            "loss": self.loss,
            "total_gradient_norm": self.total_gradient_norm,
            "step_seconds": self.step_seconds,
            "header": np.array(json.dumps(_finite(self._header()), allow_nan=False)),
        }
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Trace":
        """Read what `save` wrote. Raises ValueError for another format."""
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            if (found := header["format_version"]) not in READABLE_VERSIONS:
                raise ValueError(f"trace format {found}; this version reads {FORMAT_VERSION}")
            named: dict[str, dict[str, dict[str, Any]]] = {"series": {}, "through_time": {}}
            ledger: dict[str, Any] = {}
            for key in archive.files:
                group, _, rest = key.partition("/")
                if group == "ledger":
                    ledger[rest] = archive[key]
                elif rest:
                    name, _, part = rest.rpartition("/")
                    named[group].setdefault(name, {})[part] = archive[key]
            layers = tuple(
                LayerInfo(**{**layer, "output_shape": tuple(layer["output_shape"])})
                for layer in header["layers"]
            )
            return cls(
                run=RunInfo(**header["run"]),
                layers=layers,
                loss=archive["loss"],
                total_gradient_norm=archive["total_gradient_norm"],
                step_seconds=archive["step_seconds"],
                series={n: Series(**a) for n, a in named["series"].items()},
                through_time={n: TimeProfile(**a) for n, a in named["through_time"].items()},
                evaluation=_read(Evaluation, header["evaluation"]),
                ledger=LedgerTrace.of(ledger, header["ledger"]) if header.get("ledger") else None,
                examinations=tuple(Examination(**filled(e)) for e in header.get("examinations", [])),
                data_check=_read(DataCheck, header.get("data_check")),
                parameters=tuple(ParameterInfo(**p) for p in header.get("parameters", [])),
                cost=_read(Cost, header.get("cost")),
            )

    def save_json(self, path: Path) -> None:
        """Write the same as gzipped JSON; numbers that are not finite become null."""
        document = self._header() | {
            "loss": _plain(self.loss),
            "total_gradient_norm": _plain(self.total_gradient_norm),
            "step_seconds": _plain(self.step_seconds),
            "series": {n: {f: _plain(a) for f, a in s._asdict().items()} for n, s in self.series.items()},
            "through_time": {
                n: {f: _plain(a) for f, a in p._asdict().items()} for n, p in self.through_time.items()
            },
        }
        if self.ledger:
            document["ledger"] |= {n: _plain(a) for n, a in self.ledger.arrays().items()}
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=6) as file:
            json.dump(_finite(document), file, allow_nan=False)

    def _header(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "run": asdict(self.run),
            "layers": [asdict(layer) for layer in self.layers],
            "evaluation": asdict(self.evaluation) if self.evaluation else None,
            "ledger": self.ledger.header() if self.ledger else None,
            "examinations": [asdict(examination) for examination in self.examinations],
            "data_check": asdict(self.data_check) if self.data_check else None,
            "parameters": [asdict(parameter) for parameter in self.parameters],
            "cost": asdict(self.cost) if self.cost else None,
        }


def _read(kind: type[T], document: dict[str, Any] | None) -> T | None:
    return kind(**filled(document)) if document else None


def _plain(array: FloatArray | IntArray) -> list[Any]:
    """Nested lists with 6 significant digits."""
    if array.dtype.kind == "f":
        return [_plain(row) for row in array] if array.ndim > 1 else [float(f"{v:.6g}") for v in array]
    listed: list[Any] = array.tolist()
    return listed


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
