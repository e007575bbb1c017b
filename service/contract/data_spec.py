"""What a network is trained on, as far as it can be known without loading it."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from service.contract.base import Contract
from service.contract.layers.base import Size, Switch
from service.contract.shapes import Signal
from service.contract.upload import UploadId

Task = Literal["classification", "regression"]
BuiltinName = Literal["digits", "breast_cancer", "wine", "iris", "diabetes", "sequential_digits", "adding"]

TRAINING_SHARE = 0.7
"""Share of the samples that are trained on; the others are held out."""
MAX_DATA_VALUES = 50_000_000
"""Most numbers that a generated data set may hold (200 MB as float32)."""
DEFAULT_ADDING_LENGTH = 100
DEFAULT_ADDING_SAMPLES = 10_000


@dataclass(frozen=True)
class DataShape:
    """What a network needs to know of its data."""

    sample: Signal
    """One input sample."""
    task: Task
    classes: int | None
    """Number of classes, for classification."""
    samples: int
    """Number of samples, held-out ones included."""
    outputs: int = 1
    """Number of real numbers to predict for a sample, for regression."""

    @property
    def training_samples(self) -> int:
        return int(TRAINING_SHARE * self.samples)


@dataclass(frozen=True)
class BuiltinInfo:
    """A built-in data set."""

    title: str
    """What it is, in a sentence."""
    shape: DataShape
    generated: bool = False
    """Whether its samples are made up, in the number and length asked for."""


def _real(title: str, shape: tuple[int, ...], classes: int | None, samples: int) -> BuiltinInfo:
    task: Task = "classification" if classes else "regression"
    return BuiltinInfo(title, DataShape(Signal(shape), task, classes, samples))


BUILTIN: dict[BuiltinName, BuiltinInfo] = {
    "digits": _real("Handwritten digits, 8×8 pixels (UCI).", (1, 8, 8), 10, 1797),
    "breast_cancer": _real(
        "Breast tumours, benign or malignant, by 30 measurements (UCI, Wisconsin).", (30,), 2, 569
    ),
    "wine": _real("Wines of three cultivars by 13 chemical measurements (UCI).", (13,), 3, 178),
    "iris": _real("Irises of three species by 4 measurements (Fisher 1936).", (4,), 3, 150),
    "diabetes": _real("Progression of diabetes from 10 measurements (Efron et al. 2004).", (10,), None, 442),
    "sequential_digits": _real("The digits, one pixel a step, row by row: 64 steps.", (64, 1), 10, 1797),
    "adding": BuiltinInfo(
        "The adding problem: the sum of two marked numbers of a sequence (Hochreiter & Schmidhuber 1997).",
        DataShape(Signal((DEFAULT_ADDING_LENGTH, 2)), "regression", None, DEFAULT_ADDING_SAMPLES),
        generated=True,
    ),
}
"""The built-in data sets."""


class BuiltinData(Contract):
    """A built-in data set. 70 % of its samples are trained on; the same 30 % are held out in every job.

    The real sets ship with scikit-learn. `adding` is made from the job's seed: each step is a number from
    U(0, 1) and a mark, which is 1 at one step of either half and else 0; the target is the sum of the two
    marked numbers. The best constant prediction has a mean squared error of 1/6.
    """

    kind: Literal["builtin"] = "builtin"
    """The kind of data."""
    name: BuiltinName = Field(examples=["digits"])
    """The data set."""
    standardize: Switch = True
    """For the real sets: bring each input feature, and the target of a regression, to mean 0 and standard
    deviation 1 over the training samples; a feature that hardly varies (below 1e-6) is only shifted."""
    length: Annotated[int, Field(strict=True, ge=4, le=100_000)] | None = Field(default=None, examples=[100])
    """For `adding`: number of time steps; null: 100."""
    samples: Annotated[int, Field(strict=True, ge=20, le=1_000_000)] | None = Field(
        default=None, examples=[10_000]
    )
    """For `adding`: number of samples; null: 10 000."""

    @model_validator(mode="after")
    def _length_and_samples_belong_to_generated_sets(self) -> "BuiltinData":
        if not BUILTIN[self.name].generated and (self.length is not None or self.samples is not None):
            raise ValueError(
                f'"length" and "samples" are for generated sets such as adding; {self.name} is as it is'
            )
        _check_values(self.shape)
        return self

    @property
    def shape(self) -> DataShape:
        shape = BUILTIN[self.name].shape
        if not BUILTIN[self.name].generated:
            return shape
        sample = Signal((self.length or shape.sample.shape[0], *shape.sample.shape[1:]))
        return DataShape(sample, shape.task, shape.classes, self.samples or shape.samples)


class SyntheticData(Contract):
    """Made-up samples of a chosen shape in classes that can be learned, made from the job's seed.

    Each class has a prototype p with entries from N(0, 1). A sample is (p + noise·e) / √(1 + noise²) with e
    from N(0, 1), so that inputs have variance 1. With a `vocabulary` the prototype is a sequence of tokens; a
    sample keeps each of them with probability 1 / (1 + noise) and else takes any token.
    """

    kind: Literal["synthetic"] = "synthetic"
    """The kind of data."""
    input_shape: list[Size] = Field(min_length=1, max_length=3, examples=[[32], [20, 8], [3, 16, 16]])
    """Shape of a sample: (features,), (time, features) or (channels, height, width); of tokens: (time,)."""
    classes: int = Field(default=2, strict=True, ge=2, le=100_000, examples=[10])
    """Number of classes; each has about equally many samples."""
    vocabulary: Annotated[int, Field(strict=True, ge=2, le=10_000_000)] | None = Field(
        default=None, examples=[100]
    )
    """Makes the inputs tokens, the numbers 0 … vocabulary − 1; null: real numbers."""
    samples: int = Field(default=2000, strict=True, ge=20, le=1_000_000)
    """Number of samples."""
    noise: float = Field(default=1.0, ge=0.0, le=1e3)
    """How far samples stray from their prototype: the task's difficulty."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "SyntheticData":
        if self.vocabulary is not None and len(self.input_shape) != 1:
            raise ValueError(f'with "vocabulary", "input_shape" is (time,), not {self.input_shape}')
        if self.samples < 2 * self.classes:
            raise ValueError(
                f"{self.samples} samples are too few for {self.classes} classes: take at least 2 a class"
            )
        _check_values(self.shape, copies=self.samples + self.classes)
        return self

    @property
    def shape(self) -> DataShape:
        return DataShape(
            Signal(tuple(self.input_shape), self.vocabulary), "classification", self.classes, self.samples
        )


ArrayName = Annotated[str, Field(min_length=1, max_length=200)]


class UploadData(Contract):
    """Your own data: a `.npz` or `.safetensors` file with an array of inputs and one of targets, a row per
    sample.

    Inputs are (samples, …). An int32 or int64 array of two dimensions holds tokens; everything else is taken
    as real numbers, as it is. Targets of whole numbers are classes 0 … classes − 1, (samples,) or, for a
    class per position, (samples, …); real numbers, (samples,) or (samples, outputs), make it a regression.
    70 % of the samples, chosen by the same shuffle in every job, are trained on; the others are held out.
    """

    kind: Literal["upload"] = "upload"
    """The kind of data."""
    dataset: UploadId
    """The file: what `POST /v1/datasets` answered."""
    inputs: ArrayName = "inputs"
    """Name of the array of inputs."""
    targets: ArrayName = "targets"
    """Name of the array of targets."""
    classes: Annotated[int, Field(strict=True, ge=2, le=100_000)] | None = Field(default=None, examples=[10])
    """Number of classes; null: one more than the largest target."""
    standardize: Switch = False
    """Bring each input feature, and the target of a regression, to mean 0 and standard deviation 1 over the
    training samples; a feature that hardly varies (below 1e-6) is only shifted."""


KnownData = BuiltinData | SyntheticData
"""Data whose shape is known from the request alone: they have a `shape`."""

DataRequest = Annotated[KnownData | UploadData, Field(discriminator="kind")]
"""What a network is trained on."""


def _check_values(shape: DataShape, copies: int | None = None) -> None:
    values = (copies or shape.samples) * math.prod(shape.sample.shape)
    if values > MAX_DATA_VALUES:
        raise ValueError(
            f"{shape.samples:,} samples of shape {shape.sample} are {values:,} numbers; "
            f"the most is {MAX_DATA_VALUES:,}"
        )
