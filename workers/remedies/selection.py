"""Which remedies a diagnosis speaks for: the likeliest first, none that is known not to work alone."""

from collections.abc import Iterator

from service.contract.conditions.remedies import TRIED_AS
from service.contract.diagnosis import Diagnosis, Finding
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog import REMEDIES, Candidate, NotApplicable, candidates
from workers.remedies.catalog.rewriting import layers_of, main_activation
from workers.remedies.catalog.uploads import uploaded_function
from workers.remedies.selection_rules import RULES, Choice, Situation

MOST = 8
"""Trials of a selection: so many cover every cause, and more would only spread the budget thin."""

SHARE = 0.6
"""A cause that makes up more of the loss than this bounds the gradient alone."""


def select(diagnosis: Diagnosis, request: JobRequest) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """The candidates for `remedies.try: auto`, at most eight, and each remedy that speaks to a finding but
    was not chosen, with the reason.

    Findings are gone through by severity. For each its rule names remedies, the likeliest first by what was
    measured (docs/remedies.md); those of the first finding come first. Pure: nothing is trained.
    """
    selection = _Selection(request, diagnosis)
    for situation in situations(diagnosis, request):
        for choice in RULES[situation.finding.condition](situation):
            selection.offer(choice)
        for name in situation.finding.remedies:
            selection.explain(name, situation)
    return selection.chosen, list(selection.refused.items())


def situations(diagnosis: Diagnosis, request: JobRequest) -> Iterator[Situation]:
    """One for each finding that is more than a note and that remedies are known for, the worst first."""
    function = _function(diagnosis, request)
    precision = request.training.precision
    depth = sum(1 for layer in diagnosis.layers if layer.parameters)
    for severity in ("critical", "warning"):
        for finding in diagnosis.findings:
            if finding.severity == severity and finding.condition in RULES:
                yield Situation(finding, bound_by(diagnosis, finding), function, depth, precision)


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
        return uploaded_function(diagnosis)
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
        if fitting is None or self._holds(fitting):
            return
        if len(self.chosen) == MOST:
            self.refused.setdefault(name, "others are likelier to help")
            return
        self.chosen.append(fitting)

    def _holds(self, candidate: Candidate) -> bool:
        """Whether the same change, under whatever name, is chosen already."""
        changes = [(c.request, c.learning_rates) for c in self.chosen]
        return (candidate.request, candidate.learning_rates) in changes

    def explain(self, name: str, situation: Situation) -> None:
        """Say why a remedy that the finding names is not tried."""
        if name in self.refused or any(candidate.remedy == name for candidate in self.chosen):
            return
        if name in REMEDIES:
            self.refused[name] = _why_not(name, situation)
        elif name not in TRIED_AS:
            self.refused[name] = "it cannot be tried automatically"


_KNOWN = {
    "initialization": "no random first weights help an activation that is never centred",
    "layer_norm": "it does not save a network of sigmoids, and lets the features of deep rectifiers collapse",
    "gradient_clipping": "it restores nothing that has vanished",
}


def _why_not(name: str, situation: Situation) -> str:
    vanishing = situation.finding.condition == "vanishing_gradients"
    return _KNOWN[name] if vanishing and name in _KNOWN else "others are likelier to help"
