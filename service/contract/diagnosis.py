"""What the service answers: the diagnosis of one training run."""

from typing import Literal

from pydantic import Field, JsonValue

from service.contract.base import Contract, Fraction
from service.contract.remedies import Prescription, RemediesOutcome, Trial

Verdict = Literal["healthy", "at_risk", "unhealthy", "inconclusive"]
Severity = Literal["critical", "warning", "note"]
Axis = Literal["depth", "time"]


class Evidence(Contract):
    """One measured value beside the threshold it is held against."""

    measure: str
    """What was measured, a name of the catalog."""
    value: float | None
    """The value; null if it is not finite."""
    threshold: float | None
    """The value at which the judgement changes; null where the measure only informs."""
    unit: str
    """Unit: `ratio`, `log10`, `fraction`, `nats`, …"""
    layer: str | None = None
    """The layer it was measured at; null for the whole network."""
    step: int | None = None
    """The training step it was measured at; null for the whole run."""


class Finding(Contract):
    """One illness, or one reassuring fact, with the evidence for it."""

    condition: str
    """The condition's name in the catalog."""
    severity: Severity
    """`critical`: will not train as it is. `warning`: trains worse than it could. `note`: worth knowing."""
    confidence: Fraction
    """How sure; `docs/diagnoses.md` says how it is computed."""
    axis: Axis | None = None
    """Along which direction a gradient is lost: network depth or time steps."""
    layers: list[str] = Field(default_factory=list)
    """The layers concerned."""
    summary: str
    """One sentence."""
    explanation: str
    """What happens and why, for a reader who knows what a gradient is."""
    evidence: list[Evidence]
    """What was measured."""
    consequences: list[str] = Field(default_factory=list)
    """Other symptoms that this one causes."""
    remedies: list[str] = Field(default_factory=list)
    """Remedies worth trying, best first."""
    sources: list[str] = Field(default_factory=list)
    """Publications behind the threshold and the explanation."""


class Outcome(Contract):
    """Whether the network learned."""

    learned: bool | None
    """Whether it ended clearly better than chance; null if it was not trained or this cannot be told."""
    loss_first: float | None
    """Training loss of the first steps; null if not finite."""
    loss_last: float | None
    """Training loss of the last steps; null if not finite."""
    metric: Literal["accuracy", "mean_squared_error"] | None
    """The measure on data held out from training."""
    value: float | None
    """Its value after training; null if not finite."""
    chance: float | None
    """Its value for the best constant prediction."""


class Statistics(Contract):
    """Summary of one tensor at one step."""

    norm: float | None = None
    """Euclidean norm."""
    mean: float | None = None
    """Mean."""
    std: float | None = None
    """Standard deviation."""
    min: float | None = None
    """Smallest entry."""
    max: float | None = None
    """Largest entry."""
    near_zero: float | None = None
    """Share of entries below a tenth of the initial standard deviation (weights) or of the rms (others)."""
    non_finite: float | None = None
    """Share of entries that are NaN or infinite."""


class BackwardGain(Contract):
    """How a layer changes the size of the gradient that passes back through it."""

    total: float | None
    """‖gradient at its input‖ / ‖gradient at its output‖; geometric mean over the first and the last step."""
    by_cause: dict[str, float]
    """The factors it is made of, by cause (weights, activation, normalisation, skip, …: docs/diagnoses.md);
    their product is `total`."""


class LayerReport(Contract):
    """What was measured at one layer."""

    name: str
    """Its path in the network, as in `torch.nn.Module.named_modules`."""
    op: str
    """Its operation."""
    function: str | None = None
    """The activation function, for an activation."""
    parameters: int
    """Number of its parameters."""
    activation: Statistics | None = None
    """Its output at the last probed step; `/trace` holds all steps."""
    backpropagated: Statistics | None = None
    """The gradient of the loss with respect to its output."""
    gradient: Statistics | None = None
    """The gradient of the loss with respect to its parameters."""
    weight: Statistics | None = None
    """Its parameters."""
    update_ratio: float | None = None
    """‖change of the parameters in a step‖ / ‖parameters‖, median over the steps."""
    saturation: float | None = None
    """1 − mean derivative of the activation relative to the derivative's maximum."""
    dead_units: float | None = None
    """Share of units that were zero for every one of at least 512 samples."""
    backward_gain: BackwardGain | None = None
    """How it changes the size of the gradient that passes back through it."""
    time_gain: float | None = None
    """For a recurrent layer: log10 of the gradient reaching the first time step over that at the last."""


class Ledger(Contract):
    """Where the gradient's size changes between the last layer and the first, in decades (log10)."""

    log10_total: float | None
    """log10 of ‖gradient at the first layer's output‖ / ‖gradient at the last one's‖."""
    by_cause: dict[str, float]
    """The same, split by cause; the parts sum to the total."""


class TrainabilityDriver(Contract):
    """One measured quantity and what it adds to the prediction."""

    feature: str
    """Its name, as in `docs/trainability.md`."""
    description: str
    """What it is, with its unit."""
    value: float | None
    """The value measured, within the range that the prediction knows."""
    log_odds: float
    """What it adds to the log-odds of failure, against the average network: positive speaks for failure."""


class Trainability(Contract):
    """How likely it is that the network does not learn, foretold from the beginning of the run; what really
    became of it is the outcome. `docs/trainability.md` says how good the prediction is."""

    probability: Fraction | None
    """Probability that this network with this optimizer and learning rate is not clearly learning after a
    budget of about 120 steps; null where it cannot be predicted."""
    at_best_learning_rate: Fraction | None
    """The same if the learning rate were well chosen for this optimizer: of the network itself."""
    steps_seen: int
    """Steps whose losses were taken into account: 0 (initialisation only), 10 or 30."""
    drivers: list[TrainabilityDriver] = Field(default_factory=list)
    """What drives `probability`, the strongest first."""
    not_known: list[str] = Field(default_factory=list)
    """Features that were not measured, and averaged over."""
    reason: str | None = None
    """Why there is no prediction, or a less certain one."""


class Runtime(Contract):
    """What the run cost."""

    device: str
    """Where it ran."""
    steps: int
    """Optimizer steps made."""
    seconds: float
    """Seconds spent training, probing included."""
    steps_per_second: float | None
    """Steps per second, probing included."""
    probe_overhead: float | None
    """Duration of the run over its estimated duration without probes; null where it was too short to tell."""


class Environment(Contract):
    """What one needs to run it again."""

    torch: str
    """Version of PyTorch."""
    service: str
    """Version of the service."""
    seed: int
    """The seed."""
    threads: int | None = None
    """Threads of the tensor operations; another number rounds differently. Null if it was not recorded."""


class Diagnosis(Contract):
    """The answer: what is wrong, where, why, and how sure."""

    schema_version: Literal["1"] = "1"
    """Version of this document's layout."""
    verdict: Verdict
    """`healthy`; `at_risk`: warnings only; `unhealthy`: at least one critical finding; `inconclusive`."""
    summary: str
    """The verdict in a sentence or two."""
    findings: list[Finding]
    """The most severe first."""
    outcome: Outcome
    """Loss and held-out metric, and whether that is learning."""
    layers: list[LayerReport]
    """The layers in the order of the forward pass."""
    ledger: Ledger | None = None
    """Where the gradient is lost; null if it could not be measured."""
    trainability: Trainability | None = None
    """How likely it was, after the first steps, that the network does not learn."""
    not_checked: list[str] = Field(default_factory=list)
    """What this diagnosis cannot know, and why."""
    runtime: Runtime
    """Device, steps and seconds of the run."""
    environment: Environment
    """Versions, seed and threads: with the request, what gives the same result again."""
    trials: list[Trial] = Field(default_factory=list)
    """Remedies that were applied and measured, the control first; empty if none were."""
    prescription: Prescription | None = None
    """The remedy that worked; null if none was needed, tried or good enough."""
    remedies_outcome: RemediesOutcome | None = None
    """What came of the trials. `cured`: see the prescription; `no_cure`: nothing that was tried was enough;
    `inconclusive`: the control does not show the illness again, or could not be trained; `nothing_to_cure`:
    the network is well, and nothing was better beyond the uncertainty; `not_tried`: nothing could be tried or
    afforded; `unfinished`: trials are still being made, or the job ended before they all were. Null where no
    remedy was asked for, or called for."""
    remedies_summary: str | None = None
    """What came of the trials, in a sentence: also why there is no prescription."""
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    """The request's own `metadata`, untouched."""
