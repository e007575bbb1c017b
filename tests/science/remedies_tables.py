"""What theory and the article's claims come to (science §6), a row for each way of training: whether it
cures, and between what its held-out accuracy and the change of the gradient on its way must lie."""

from dataclasses import dataclass
from typing import Any

Key = tuple[str, str | None]
Range = tuple[float, float]

CHANCE: Range = (0.0, 0.2)
"""Accuracies that are no better than always the same answer, of ten."""


@dataclass(frozen=True)
class Row:
    """What is expected of a way of training."""

    cured: bool | None
    """None: nothing is claimed, as of what is on the edge between ill and well."""
    accuracy: Range
    decades: Range
    """log10 of the gradient at the first layer over that at the last, or, of a recurrent network, of that at
    the first time step over that at the last; mean over the beginning and the end of training."""


SIGMOIDS: dict[Key, Row] = {
    ("control", None): Row(False, CHANCE, (-17.5, -14.0)),
    ("initialization", "xavier"): Row(False, CHANCE, (-13.5, -10.5)),
    ("initialization", "he"): Row(False, CHANCE, (-11.0, -8.0)),
    ("initialization", "orthogonal"): Row(False, CHANCE, (-13.5, -10.5)),
    ("initialization", "lsuv"): Row(True, (0.85, 1.0), (-1.0, 1.5)),
    ("layer_norm", None): Row(False, CHANCE, (-9.5, -6.0)),
    ("gradient_clipping", None): Row(False, CHANCE, (-17.5, -14.0)),
    ("learning_rate", None): Row(False, CHANCE, (-17.5, -10.0)),
    ("relu", None): Row(True, (0.3, 1.0), (-1.5, 1.5)),
    ("activation", "tanh"): Row(True, (0.85, 1.0), (-1.5, 1.0)),
    ("activation", "selu"): Row(True, (0.85, 1.0), (-1.5, 1.5)),
    ("activation", "gelu"): Row(True, (0.3, 1.0), (-2.5, 1.5)),
    ("batch_norm", None): Row(True, (0.7, 1.0), (-1.0, 1.5)),
    ("residual", "plain"): Row(True, (0.85, 1.0), (-1.0, 1.5)),
    ("residual", "rezero"): Row(True, (0.85, 1.0), (-1.0, 1.5)),
    ("residual", "batch_norm"): Row(True, (0.85, 1.0), (-1.0, 1.5)),
    ("highway", None): Row(True, (0.85, 1.0), (-2.0, 1.0)),
    ("layerwise_pretraining", "supervised"): Row(True, (0.8, 1.0), (-2.0, 2.0)),
    ("layerwise_pretraining", "reconstruction"): Row(False, (0.0, 0.3), (-8.0, -2.0)),
}
"""20 sigmoid layers of 64 units on the digits, SGD without momentum: 390 steps leave batch normalisation and
GELU farther from their end than the table, which had momentum; how far, is a matter of the seed for GELU as
for ReLU."""

RECALL: dict[Key, Row] = {
    ("control", None): Row(False, CHANCE, (-400.0, -6.0)),
    ("orthogonal_recurrence", "orthogonal"): Row(None, (0.25, 1.0), (-7.0, 1.5)),
    ("orthogonal_recurrence", "identity"): Row(True, (0.25, 1.0), (-4.0, 1.5)),
    ("lstm", "chrono"): Row(True, (0.4, 1.0), (-4.5, 1.5)),
    ("gru", "chrono"): Row(True, (0.4, 1.0), (-3.0, 1.5)),
    ("lstm", "default"): Row(False, CHANCE, (-400.0, -6.0)),
    ("gru", "default"): Row(False, CHANCE, (-400.0, -6.0)),
    ("lstm", "forget_bias_1"): Row(False, CHANCE, (-12.0, -4.0)),
    ("gru", "forget_bias_1"): Row(False, CHANCE, (-20.0, -4.0)),
}
"""Digits, a row a step, then 100 blank steps. Orthogonal weights learn, but drift: by the end of
training the gradient has lost a few decades again."""


def rows(job: dict[str, Any]) -> dict[Key, dict[str, Any]]:
    """The trials that were made."""
    return {
        (trial["remedy"], trial["variant"]): trial
        for trial in job["diagnosis"]["trials"]
        if trial["status"] == "done"
    }


def cured(trial: dict[str, Any]) -> bool:
    """Whether the illness is gone and the network learns."""
    return bool(trial["resolved"] and trial["learned"])


def deviations(job: dict[str, Any], table: dict[Key, Row]) -> list[str]:
    """In which rows the trials differ from the table, in words."""
    found = rows(job)
    missing = [f"{key}: was not tried" for key in table if key not in found]
    return missing + [
        words for key, row in table.items() if key in found for words in _differences(key, row, found[key])
    ]


def _differences(key: Key, row: Row, trial: dict[str, Any]) -> list[str]:
    measured = trial["after"] or trial["before"]
    accuracy, decades = measured["metric"]["mean"], measured["attenuation"]["mean"]
    words = []
    if row.cured not in (None, cured(trial)):
        words.append(f"{key}: resolved {trial['resolved']}, learned {trial['learned']}")
    if not within(accuracy, row.accuracy):
        words.append(f"{key}: accuracy {accuracy} is not in {row.accuracy}")
    if not within(decades, row.decades):
        words.append(f"{key}: the gradient changes by {decades} decades, which is not in {row.decades}")
    return words


def within(value: float | None, bounds: Range) -> bool:
    """Whether a value is in a range; one that is not finite is below all, as the logarithm of 0 is."""
    return bounds[0] <= (bounds[0] if value is None else value) <= bounds[1]
