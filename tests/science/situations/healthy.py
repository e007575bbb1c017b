"""More networks that are well, of every architecture and on several data sets, for the false-alarm rate.

That they are well is nobody's opinion: only runs count whose network ends more than half way from chance to a
perfect score on held-out data.
"""

from collections.abc import Callable
from typing import Any

from tests.science.situations.expressible import DIGITS, requested
from tests.science.situations.situation import Job, Situation, well

LEARNED_WELL = 0.5
"""Share of the way from chance to perfect that a network must go to count as healthy."""

ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 3e-3, "steps": 150}
SGD: dict[str, Any] = {"learning_rate": 0.05, "steps": 200}
SMALL_BATCH: dict[str, Any] = SGD | {"batch_size": 32}
SEQUENCES = {"kind": "builtin", "name": "sequential_digits"}
ADDING = {"kind": "builtin", "name": "adding", "length": 10, "samples": 4000}
HE: dict[str, Any] = {"init": "he_normal", "bias_init": "zeros"}


def template(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "template", "template": name, **fields}


def real(name: str) -> dict[str, Any]:
    return {"kind": "builtin", "name": name}


def _job(model: dict[str, Any], data: dict[str, Any], training: dict[str, Any]) -> Callable[[int], Job]:
    return lambda seed: requested(model, seed, data, **training)


_NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "mlp 3, digits": (template("mlp", **HE), DIGITS, SGD),
    "mlp 3, digits, Adam": (template("mlp"), DIGITS, ADAM),
    "mlp 3, digits, weight decay": (template("mlp", **HE), DIGITS, SGD | {"weight_decay": 1e-3}),
    "mlp 3, digits, dropout": (template("mlp", dropout=0.2, **HE), DIGITS, SGD),
    "mlp 20 tanh, digits": (
        template("mlp", depth=20, activation="tanh", init="xavier_normal", bias_init="zeros"), DIGITS, SGD,
    ),
    "mlp 10 batch norm, digits": (template("mlp", depth=10, norm="batch", **HE), DIGITS, SGD),
    "mlp 12 residual layer norm, digits": (
        template("mlp", depth=12, norm="layer", residual=True, **HE), DIGITS, SGD,
    ),
    "mlp 2, breast cancer": (template("mlp", depth=2, **HE), real("breast_cancer"), SMALL_BATCH),
    "mlp 2, wine": (template("mlp", depth=2, **HE), real("wine"), SMALL_BATCH),
    "mlp 2, iris": (template("mlp", depth=2, **HE), real("iris"), SMALL_BATCH),
    "cnn 3, digits": (template("cnn", channels=16, **HE), DIGITS, ADAM | {"steps": 250}),
    "cnn 4 batch norm, digits": (template("cnn", depth=4, channels=16, norm="batch"), DIGITS, ADAM),
    "cnn 8 residual, digits": (
        template("cnn", depth=8, channels=16, norm="batch", residual=True), DIGITS, ADAM | {"steps": 100},
    ),
    "gru, adding 10": (
        template("rnn", cell="gru", units=32), ADDING, ADAM | {"learning_rate": 0.01, "steps": 400},
    ),
    "lstm chrono, sequential digits": (
        template("rnn", cell="lstm", units=32, forget_bias="chrono"), SEQUENCES,
        ADAM | {"learning_rate": 0.01, "steps": 300, "clip_grad_norm": 1.0},
    ),
    "transformer 1, sequential digits": (
        template("transformer", depth=1, width=32), SEQUENCES, ADAM | {"steps": 400, "batch_size": 32},
    ),
    "transformer 2, adding 10": (
        template("transformer", depth=2, width=32), ADDING, ADAM | {"learning_rate": 1e-3, "steps": 300},
    ),
}  # fmt: skip

HEALTHY: tuple[Situation, ...] = tuple(
    Situation(name, _job(*parts), well(because="it learns, and well")) for name, parts in _NETWORKS.items()
)
