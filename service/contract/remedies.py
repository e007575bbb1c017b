"""Remedies tried: what is asked for, what was measured, and what is prescribed."""

from typing import Literal

from pydantic import ConfigDict, Field

from service.contract.base import Contract
from service.contract.data_spec import DataRequest
from service.contract.model_spec import ModelRequest
from service.contract.training_plan import TrainingPlan

RemedyName = Literal[
    "activation",
    "batch_norm",
    "bfloat16",
    "gradient_clipping",
    "gru",
    "highway",
    "initialization",
    "input_scaling",
    "layer_norm",
    "layerwise_pretraining",
    "learning_rate",
    "loss_scaling",
    "lstm",
    "orthogonal_recurrence",
    "relu",
    "residual",
    "shorter_backpropagation",
    "unfreeze",
]
"""The remedies that can be tried. Each may have variants: `residual` plain, as ReZero, …"""


class RemedyBudget(Contract):
    """What all trials together may cost. What does not fit any more is not begun, and said to be skipped."""

    steps: int | None = Field(default=None, ge=1, le=100_000_000)
    """Training steps of all trials, the control's and those of a pre-training included; null: 200 times the
    job's own."""
    seconds: float | None = Field(default=None, gt=0.0, le=86_400.0)
    """Seconds of computing, summed over the workers; null: no bound of its own. A trial is given what is left
    when it is ordered."""


class RemediesPlan(Contract):
    """Which remedies are applied, retrained and measured if the network is found ill."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_alias=True, validate_by_name=True)

    attempt: Literal["auto", "none"] | list[RemedyName] = Field(
        default="auto", alias="try", examples=["auto", "none", ["residual", "relu"]]
    )
    """`auto`: those that the diagnosis and the ledger speak for; `none`; or a list, all of whose variants are
    tried, also if the network is healthy."""
    seeds: int = Field(default=2, ge=2, le=10)
    """How often each way of training is repeated, each time from another seed."""
    learning_rates: int = Field(default=3, ge=1, le=7)
    """How many learning rates each candidate and the control are trained with: the job's own, and others that
    are √10 times larger and smaller, and so on; while the best one is at an end of the range, up to two more
    beyond it. The best one by training loss counts. The search has a seed of its own."""
    budget: RemedyBudget = RemedyBudget()
    """What the trials may cost."""


MetricName = Literal["accuracy", "mean_squared_error"]


class Estimate(Contract):
    """A quantity over the repetitions."""

    mean: float | None
    """Mean; null if a value is not finite."""
    low: float | None
    """Lower end of the 95 % interval of the mean: Student's t over the seeds and, for an accuracy, what the
    number of held-out samples leaves open. Within what the quantity can be."""
    high: float | None
    """Its upper end."""
    values: list[float | None]
    """The values, in the order of the seeds."""


class Cost(Contract):
    """What a way of training costs."""

    seconds_per_step: float | None
    """Median seconds of a step without probes."""
    parameters: int
    """Number of parameters."""
    flops_per_step: float | None
    """Operations of matrix products and convolutions in a step; null if not known."""
    extra_steps: int = 0
    """Steps of a pre-training, beside those of the training."""


class Tuned(Contract):
    """What the network as it is comes to at the best learning rate of the search that each candidate gets."""

    learning_rate: float
    """The learning rate that was best by training loss."""
    metric: Estimate
    """Held-out metric there, from the same seeds."""


class Measured(Contract):
    """What was measured of one way of training, at its best learning rate: the same before and after."""

    learning_rate: float
    """The learning rate that was best by training loss; the control's is the job's own."""
    attenuation: Estimate
    """log10 of the gradient at the first layer over that at the last or, where there is a recurrent layer, of
    that at the first time step over that at the last. Below 0 it shrinks on its way."""
    ledger: dict[str, float] = Field(default_factory=dict)
    """The same by cause, mean over the seeds."""
    loss: Estimate
    """Training loss at the end."""
    metric_name: MetricName = "accuracy"
    """What the metric is, on data held out from training."""
    metric: Estimate
    """Its value."""
    metric_samples: int | None = None
    """Number of held-out samples that it was measured on."""
    chance: float | None
    """The metric's value for the best constant prediction."""
    learned: bool | None
    """Whether it learns, by the rule of `outcome.learned`, for most of the seeds; null: cannot be told."""
    findings: list[str]
    """Conditions found (warnings and critical ones) for more than half of the seeds, the first ones first."""
    critical: list[str] = Field(default_factory=list)
    """Those that are critical for every seed."""
    cost: Cost
    """What it costs."""
    tuned: Tuned | None = None
    """Of the control: at another learning rate than the job's own, if one was better; null if none was."""


class TrialRun(Contract):
    """One training of a trial."""

    seed: int
    """Its seed."""
    learning_rate: float
    """Its learning rate."""
    loss: float | None
    """Training loss at the end; null if not finite."""
    metric: float | None
    """Held-out accuracy or mean squared error; null if not finite."""
    findings: list[str] | None = None
    """Conditions found; null for a run that only compares learning rates, which is not probed."""
    seconds: float
    """How long it took."""


TrialStatus = Literal["done", "not_applicable", "failed", "skipped"]


class Change(Contract):
    """A changed way of training. Model, data and training are ready to be sent as a job."""

    description: str
    """What was changed, in a sentence."""
    model: ModelRequest
    """The network."""
    data: DataRequest
    """The data."""
    training: TrainingPlan
    """The training."""


ImprovementUnit = Literal["accuracy", "explained_variance"]


class Trial(Contract):
    """One remedy, applied and measured against the control."""

    remedy: str
    """The remedy's name; `control` for the network as it is."""
    variant: str | None = None
    """Which form of it; null if it has only one."""
    also: list[str] = Field(default_factory=list)
    """Remedies that it was combined with, with their variants: those were applied first."""
    status: TrialStatus
    """`not_applicable`: it cannot be applied to this network; `skipped`: beyond the budget."""
    reason: str | None = None
    """Why it was not done."""
    change: Change | None = None
    """What was changed; null where it was not applicable."""
    before: Measured | None = None
    """The control."""
    after: Measured | None = None
    """With the remedy."""
    resolved: bool | None = None
    """Whether the finding that the remedy is for is gone for every seed."""
    learned: bool | None = None
    """Whether the network then learns: `after.learned`."""
    improvement: Estimate | None = None
    """Of the metric over the control's, at its own learning rate or tuned, whichever is better; positive if
    better than that. The interval is of the difference (Welch's t)."""
    improvement_unit: ImprovementUnit | None = None
    """What it is a difference of: accuracies, or shares of the variance that are explained (1 − mean squared
    error / that of the best constant prediction, which no scaling of the targets changes)."""
    runs: list[TrialRun] = Field(default_factory=list)
    """All trainings."""


RemediesOutcome = Literal["cured", "no_cure", "inconclusive", "nothing_to_cure", "not_tried", "unfinished"]
"""What came of the trials."""


class KeptNetwork(Contract):
    """The prescribed network as it came out of its training from the job's own seed."""

    seed: int
    """The seed."""
    learning_rate: float
    """The learning rate."""
    metric: float | None
    """Held-out accuracy or mean squared error; null if not finite."""
    learned: bool | None
    """Whether it learned, by the rule of `outcome.learned`. Its files are kept only if it did."""
    findings: list[str]
    """Conditions found (warnings and critical ones)."""


class Prescription(Contract):
    """The least invasive remedy that worked, ready to be used."""

    remedies: list[str]
    """The remedy, or the combination, by name."""
    variant: str | None = None
    """Which form of it; of a combination, of the remedy that was applied last, which stands first."""
    title: str = ""
    """The remedies with their variants, as in `runners_up`."""
    change: Change
    """What was changed: model, data and training to send as the next job."""
    why: str
    """What it did, in a sentence or two."""
    files: list[str] = Field(default_factory=list, examples=[["network.safetensors", "network.pt2"]])
    """The network so trained, from the job's own seed: `GET /v1/jobs/{id}/artifacts/{file}`. Its weights and
    buffers, and the network itself where it can be exported; the latter takes inputs as they are in the data,
    and standardises them itself if the job did."""
    files_missing: dict[str, str] = Field(default_factory=dict)
    """Of each file that could be there and is not: why."""
    network: KeptNetwork | None = None
    """What that network does; null if it was not trained to its end."""
    runners_up: list[str] = Field(default_factory=list)
    """Others that worked, best first."""


class TrialProgress(Contract):
    """How far a trial is."""

    remedy: str
    """The remedy, with its variant."""
    status: Literal["queued", "running", "done"]
    """Where it stands."""
    step: int = Field(default=0, ge=0)
    """Training steps done, of all its runs."""
    steps: int = Field(default=0, ge=0)
    """Training steps to do."""
