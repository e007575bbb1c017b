"""Which remedies a diagnosis speaks for: the likeliest first, none that is known not to work alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from service.contract.conditions import REMEDIES as DESCRIBED
from service.contract.diagnosis import Diagnosis, Finding
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog import REMEDIES, Candidate, NotApplicable, candidates
from workers.remedies.catalog.rewriting import layers_of, main_activation

MOST = 8
"""Trials of a selection: so many cover every cause, and more would only spread the budget thin."""

Choice = tuple[str, str | None]
"""A remedy and its variant; None for the first, or only, one."""

BOUNDED = frozenset({"sigmoid", "softplus"})
"""Functions that are never centred: random matrices of whatever variance, and layer normalisation, leave the
attenuation at 10^-8 and worse over 20 layers (measured; mean-field theory: -1.9 per layer with LayerNorm)."""
SHARE = 0.6
"""A cause that makes up more of the loss than this bounds the gradient alone."""


@dataclass(frozen=True)
class Situation:
    """What the choice depends on."""

    finding: Finding
    bound_by: str
    """What the gradient is lost to: `activation`, `weights`, `depth` (to many small losses) or `time`."""
    function: str | None
    """The network's activation function; None if it has none or is not known."""
    depth: int
    """Layers that were measured."""


def select(diagnosis: Diagnosis, request: JobRequest) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """The candidates for `remedies.try: auto`, at most eight, and each remedy that speaks to a finding but
    was not chosen, with the reason.

    Findings are gone through by severity. For each its rule names remedies, the likeliest first by what was
    measured (docs/remedies.md); those of the first finding come first. Pure: nothing is trained.
    """
    selection = _Selection(request, diagnosis)
    for situation in situations(diagnosis, request):
        for choice in _RULES[situation.finding.condition](situation):
            selection.offer(choice)
        for name in situation.finding.remedies:
            selection.explain(name, situation)
    return selection.chosen, list(selection.refused.items())


def situations(diagnosis: Diagnosis, request: JobRequest) -> Iterator[Situation]:
    """One for each finding that is more than a note and that remedies are known for, the worst first."""
    function = _function(diagnosis, request)
    depth = sum(1 for layer in diagnosis.layers if layer.parameters)
    for severity in ("critical", "warning"):
        for finding in diagnosis.findings:
            if finding.severity == severity and finding.condition in _RULES:
                yield Situation(finding, bound_by(diagnosis, finding), function, depth)


def bound_by(diagnosis: Diagnosis, finding: Finding) -> str:
    """What most of a loss of gradient is put down to, from the ledger."""
    if finding.axis == "time":
        return "time"
    ledger = diagnosis.ledger
    lost = {cause: -decades for cause, decades in ledger.by_cause.items() if decades < 0} if ledger else {}
    total = sum(lost.values())
    for cause in ("activation", "weights"):
        if total and lost.get(cause, 0.0) / total > SHARE:
            return cause
    return "depth"


def _function(diagnosis: Diagnosis, request: JobRequest) -> str | None:
    if isinstance(request.model, UploadedModel):
        functions = [
            layer.function for layer in diagnosis.layers if layer.op == "activation" and layer.function
        ]
        return max(functions, key=functions.count, default=None)
    try:
        return main_activation(layers_of(request, diagnosis))
    except NotApplicable:
        return None


class _Selection:
    def __init__(self, request: JobRequest, diagnosis: Diagnosis) -> None:
        self._request, self._diagnosis = request, diagnosis
        self.chosen: list[Candidate] = []
        self.refused: dict[str, str] = {}

    def offer(self, choice: Choice) -> None:
        """Take it if it fits, is not there yet, and there is room."""
        name, variant = choice
        try:
            found = candidates(name, self._request, self._diagnosis)
        except NotApplicable as error:
            self.refused.setdefault(name, str(error))
            return
        fitting = next((c for c in found if variant is None or c.variant == variant), None)
        if fitting is None or any((c.remedy, c.variant) == (name, fitting.variant) for c in self.chosen):
            return
        if len(self.chosen) == MOST:
            self.refused.setdefault(name, "others are likelier to help")
            return
        self.chosen.append(fitting)

    def explain(self, name: str, situation: Situation) -> None:
        """Say why a remedy that the finding names is not tried."""
        if name in self.refused or any(candidate.remedy == name for candidate in self.chosen):
            return
        if name in REMEDIES:
            self.refused[name] = _why_not(name, situation)
        elif name in DESCRIBED and name not in _TRIED_AS:
            self.refused[name] = "it cannot be tried automatically"


_TRIED_AS = {
    "tanh": "activation",
    "leaky_relu": "activation",
    "forget_bias": "lstm",
    "standardise_inputs": "input_scaling",
}
"""Remedies that are described by themselves, and tried as a variant of others."""

_KNOWN = {
    "initialization": "no random first weights help an activation that is never centred",
    "layer_norm": "it does not save a network of sigmoids, and lets the features of deep rectifiers collapse",
    "gradient_clipping": "it restores nothing that has vanished",
}


def _why_not(name: str, situation: Situation) -> str:
    vanishing = situation.finding.condition == "vanishing_gradients"
    return _KNOWN[name] if vanishing and name in _KNOWN else "others are likelier to help"


def _vanishing(situation: Situation) -> Sequence[Choice]:
    return _VANISHING[situation.bound_by](situation)


def _by_derivatives(situation: Situation) -> Sequence[Choice]:
    """Measured on 20 sigmoid layers: 0.97, 0.96, 0.94, 0.93, 0.95, 0.94, 0.96, 0.48 (chance 0.1)."""
    own: list[Choice] = (
        [("initialization", "lsuv")] if situation.function in BOUNDED else [("initialization", None)]
    )
    return [
        *own,
        ("residual", "rezero"),
        ("activation", "tanh"),
        ("batch_norm", None),
        ("layerwise_pretraining", "supervised"),
        ("residual", "plain"),
        ("relu", None),
        ("highway", None),
    ]


def _by_weights(situation: Situation) -> Sequence[Choice]:
    """The first weights are too small: the suited ones are the remedy. Deep rectifiers want more: over 30
    convolutions He alone reached 0.23, ReZero 0.96."""
    if situation.function in BOUNDED:
        return _by_derivatives(situation)
    own: list[Choice] = [("initialization", None), ("residual", "rezero")]
    if situation.function == "relu":
        own.reverse()
    return [
        *own,
        ("initialization", "lsuv"),
        ("batch_norm", None),
        ("residual", "batch_norm"),
        ("residual", "plain"),
        ("activation", "tanh"),
        ("layerwise_pretraining", "supervised"),
    ]


def _by_depth(_: Situation) -> Sequence[Choice]:
    return [
        ("residual", "rezero"),
        ("residual", "plain"),
        ("residual", "batch_norm"),
        ("batch_norm", None),
        ("initialization", "lsuv"),
        ("activation", "tanh"),
        ("highway", None),
        ("layerwise_pretraining", "supervised"),
    ]


def _by_time(_: Situation) -> Sequence[Choice]:
    """Measured over 100 steps: 0.78, 0.79, 0.64, 0.58 (chance 0.1); a forget bias of 1, or none, 0.09."""
    return [
        ("lstm", "chrono"),
        ("gru", "chrono"),
        ("orthogonal_recurrence", "orthogonal"),
        ("orthogonal_recurrence", "identity"),
        ("learning_rate", None),
    ]


_VANISHING: dict[str, Callable[[Situation], Sequence[Choice]]] = {
    "activation": _by_derivatives,
    "weights": _by_weights,
    "depth": _by_depth,
    "time": _by_time,
}


def _exploding(situation: Situation) -> Sequence[Choice]:
    if situation.bound_by == "time":
        first: list[Choice] = [("orthogonal_recurrence", "orthogonal"), ("lstm", "chrono")]
        last: list[Choice] = [("shorter_backpropagation", None)]
    else:
        first = [("initialization", None), ("layer_norm", None), ("initialization", "lsuv")]
        last = [("residual", "plain")]
    return [("gradient_clipping", None), ("learning_rate", None), *first, *last]


def _always(*choices: str | Choice) -> Callable[[Situation], Sequence[Choice]]:
    listed = [(choice, None) if isinstance(choice, str) else choice for choice in choices]
    return lambda _: listed


_RULES: dict[str, Callable[[Situation], Sequence[Choice]]] = {
    "vanishing_gradients": _vanishing,
    "exploding_gradients": _exploding,
    "dead_units": _always("initialization", ("activation", "gelu"), "learning_rate", "batch_norm"),
    "error_signal_saturated": _always("initialization", ("initialization", "lsuv")),
    "forward_collapse": _always(
        ("residual", "rezero"),
        ("residual", "plain"),
        ("residual", "batch_norm"),
        ("activation", "tanh"),
        "highway",
    ),
    "frozen_parameters": _always("unfreeze"),
    "gradient_underflow": _always("loss_scaling", "bfloat16"),
    "learning_rate_too_large": _always("learning_rate", "gradient_clipping", "batch_norm"),
    "learning_rate_too_small": _always("learning_rate"),
    "non_finite": _always("learning_rate", "gradient_clipping", "bfloat16", "input_scaling"),
    "not_learning": _always("learning_rate", "initialization", ("residual", "rezero"), "batch_norm"),
    "poor_initialization": _always(
        "initialization", ("initialization", "lsuv"), "batch_norm", ("residual", "rezero")
    ),
    "saturated_activations": _always(
        "input_scaling", ("initialization", "lsuv"), "batch_norm", ("activation", "tanh"), "learning_rate"
    ),
    "slow_convergence": _always("learning_rate", "batch_norm"),
    "unscaled_inputs": _always("input_scaling", "batch_norm"),
    "unstable_training": _always("learning_rate", "gradient_clipping", "batch_norm"),
    "weights_near_zero": _always("initialization", ("initialization", "lsuv"), "learning_rate"),
}
"""What each condition speaks for, the likeliest first."""
