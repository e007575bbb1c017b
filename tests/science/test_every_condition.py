"""Each condition on a network that has it, and on three that look like it and do not.

The networks are trained for real. Vanishing gradients through time have theirs in `test_first_diagnoses.py`.
"""

import pytest

from service.contract.conditions import CONDITIONS
from tests.science.situations.diagnosed import diagnosed
from tests.science.situations.healthy import HEALTHY
from tests.science.situations.look_alikes import LOOK_ALIKES
from tests.science.situations.more_illnesses import MORE_ILLNESSES
from tests.science.situations.reviewed import REVIEWED
from tests.science.situations.second_set import SECOND_SET
from tests.science.situations.situation import Situation
from tests.science.situations.table import SITUATIONS

SEED = 0
MOMENTARY = {"compute_bound"}
"""Found only in runs that take long: their networks are in the slow tests."""

PATIENTS: dict[str, str] = {
    "class_imbalance": "highest tenth of diabetes, 1 hidden layer",
    "compute_bound": "small blocks, 30 deep, 4 samples a step",
    "converged": "tanh3 converged",
    "dead_units": "relu5 dead layer 3 (bias -50)",
    "disconnected_parameters": "relu5 detach after layer 3",
    "error_signal_saturated": "softmax+MSE, logits x60",
    "exploding_gradients": "leaky relu 14, weights × 2, breast cancer",
    "forward_collapse": "relu100 He width64 (init)",
    "frozen_parameters": "relu5 first 3 layers frozen",
    "gradient_underflow": "tanh12 fp16 grads, loss/1e5",
    "learning_rate_too_large": "tanh 2, SGD at 3, diabetes",
    "learning_rate_too_small": "relu5 He, lr=1e-6",
    "non_finite": "a missing value, breast cancer",
    "not_learning": "1 layer, activation forgotten, octants",
    "overfitting": "relu 3 × 256, diabetes, Adam",
    "poor_initialization": "tanh 2, all weights zero, iris",
    "saturated_activations": "tanh 4, weights × 15, noisy vectors",
    "slow_convergence": "transformer 1, AdamW at 3e-5, tokens",
    "uninformative_data": "relu5 shuffled labels",
    "unscaled_inputs": "gelu 2, iris with one width in 0.1 µm",
    "unstable_training": "tanh 3, momentum 0.998, noisy vectors",
    "vanishing_gradients": "sigmoid20 xavier (init)",
    "weights_near_zero": "relu 4, decay 1, wine",
}
"""A network that has it."""

IMPOSTORS: dict[str, tuple[str, ...]] = {
    "class_imbalance": ("relu5 shuffled labels", "relu 2, iris as measured", "relu5 He, lr=1e-6"),
    "compute_bound": (
        "small blocks, 30 deep, for a moment",
        "relu100 He width64 (init)",
        "relu 3, 4 samples a step, digits",
    ),
    "converged": (
        "tanh 2, a third of the labels wrong",
        "sigmoid20 after 150 SGD steps",
        "relu5 He, lr=1e-6",
    ),
    "dead_units": ("relu5 all-zero inputs", "zero-init head residual10", "relu5 80% pruned"),
    "disconnected_parameters": (
        "relu5 first 3 layers frozen",
        "relu5 dead layer 3 (bias -50)",
        "sparse embedding 200k rows",
    ),
    "error_signal_saturated": (
        "tanh3 converged",
        "sigmoid20 xavier (init)",
        "relu5 loss x1e-6 (lr x1e6)",
    ),
    "exploding_gradients": (
        "tanh 2, SGD at 3, diabetes",
        "a missing value, breast cancer",
        "residual+BN relu50 (init)",
    ),
    "forward_collapse": ("cnn 2, SGD at 1e-4, digits", "tanh3 converged", "sigmoid20 xavier (init)"),
    "frozen_parameters": (
        "relu5 detach after layer 3",
        "ReZero relu50 alpha=0 (init)",
        "relu5 dead layer 3 (bias -50)",
    ),
    "gradient_underflow": (
        "relu5 loss x1e-6 (lr x1e6)",
        "gelu 2, bfloat16, digits",
        "sigmoid20 xavier (init)",
    ),
    "learning_rate_too_large": (
        "relu 2, SGD at 0.5, digits",
        "leaky relu 14, weights × 2, breast cancer",
        "gelu 2, iris with one width in 0.1 µm",
    ),
    "learning_rate_too_small": ("sigmoid20 xavier (init)", "tanh3 converged", "relu5 shuffled labels"),
    "non_finite": (
        "gelu 2, bfloat16, digits",
        "leaky relu 14, weights × 2, breast cancer",
        "tanh12 fp16 grads, loss/1e5",
    ),
    "not_learning": ("tanh 2, octants", "relu5 shuffled labels", "cnn of kernel 3, rising or falling"),
    "overfitting": ("relu 2 × 256, wine, Adam", "relu5 shuffled labels", "tanh3 converged"),
    "poor_initialization": (
        "relu 3, head of zeros, images",
        "ReZero relu50 alpha=0 (init)",
        "sigmoid20 xavier (init)",
    ),
    "saturated_activations": ("tanh3 converged", "sigmoid20 xavier (init)", "tanh 2, weights × 3, digits"),
    "slow_convergence": (
        "tanh 2, a third of the labels wrong",
        "relu5 He, lr=1e-6",
        "sigmoid20 after 150 SGD steps",
    ),
    "uninformative_data": (
        "1 layer, activation forgotten, octants",
        "relu5 He, lr=1e-6",
        "gelu 2 × 256, 105 samples of much noise",
    ),
    "unscaled_inputs": (
        "relu 2, iris as measured",
        "tanh 2, SGD at 3, diabetes",
        "leaky relu 14, weights × 2, breast cancer",
    ),
    "unstable_training": (
        "relu 2, SGD at 0.5, digits",
        "tanh 2, SGD at 3, diabetes",
        "relu 3, 4 samples a step, digits",
    ),
    "vanishing_gradients": (
        "tanh3 converged",
        "relu5 loss x1e-6 (lr x1e6)",
        "ReZero relu50 alpha=0 (init)",
    ),
    "weights_near_zero": ("relu5 80% pruned", "relu20 N(0,.01) (init)", "gelu 2, AdamW, decay 1, digits"),
}
"""Networks that show its symptom, or its consequence, and do not have it."""

BY_NAME: dict[str, Situation] = {
    situation.name: situation
    for group in (SITUATIONS, MORE_ILLNESSES, SECOND_SET, REVIEWED, LOOK_ALIKES, HEALTHY)
    for situation in group
}


def found(name: str) -> list[str]:
    """The conditions that the diagnosis of this network names, the first one first."""
    return [finding.condition for finding in diagnosed(BY_NAME[name], SEED).findings]


def test_every_condition_has_a_patient_and_three_impostors() -> None:
    illnesses = set(CONDITIONS) - {"healthy"}

    assert set(PATIENTS) == set(IMPOSTORS) == illnesses
    assert all(len(set(names)) >= 3 and PATIENTS[name] not in names for name, names in IMPOSTORS.items())


@pytest.mark.parametrize(
    "condition",
    [pytest.param(c, marks=[pytest.mark.slow] if c in MOMENTARY else []) for c in sorted(PATIENTS)],
)
def test_it_is_found_in_a_network_that_has_it(condition: str) -> None:
    assert condition in found(PATIENTS[condition])


@pytest.mark.parametrize(
    ("condition", "name"),
    [(condition, name) for condition in sorted(IMPOSTORS) for name in IMPOSTORS[condition]],
)
def test_it_is_not_found_in_a_network_that_looks_like_it(condition: str, name: str) -> None:
    assert condition not in found(name)
