"""What each remedy does to the gradient of 20 sigmoid layers before the first step, against theory.

Predictions and tolerances are those of the oracles (Schoenholz et al. 2017 for plain networks; Yang et al.
2019 for batch normalisation). A highway block passes on 1 - sigmoid(-2) of the gradient at its stream; scaled
residual blocks pass on all of it, but for what their branches add.
"""

import math
import statistics
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from service.contract.job import JobRequest
from tests.unit.remedies.catalog.requests import FLATTEN, HEAD, SIGMOID, Written, job, repeat
from workers.models.residual import Residual
from workers.preparation import prepare
from workers.remedies.catalog import candidates
from workers.training.adaptation import adapt
from workers.training.losses import loss_function

DEPTH, WIDTH = 20, 64
DIGITS: Written = {"kind": "builtin", "name": "digits"}
SEEDS = (0, 1, 2)
SAMPLES = 512

ILL = job(FLATTEN, repeat(DEPTH, {"op": "linear", "units": WIDTH}, SIGMOID), HEAD, data=DIGITS, batch_size=64)

PREDICTED: dict[tuple[str, str | None], tuple[float, float]] = {
    ("control", None): (-16.22, 0.75),
    ("initialization", "xavier"): (-12.02, 0.67),
    ("initialization", "orthogonal"): (-12.02, 0.67),
    ("initialization", "he"): (-9.59, 0.63),
    ("initialization", "lsuv"): (0.06, 0.45),
    ("layer_norm", None): (-7.83, 0.61),
    ("batch_norm", None): (0.06, 0.65),
    ("relu", None): (-0.16, 0.59),
    ("activation", "tanh"): (-0.75, 0.45),
    ("activation", "selu"): (0.30, 0.5),
    ("activation", "gelu"): (-1.06, 1.1),
    ("highway", None): (19 * math.log10(1 - 1 / (1 + math.exp(2))), 0.1),
    ("residual", "plain"): (0.0, 0.2),
    ("residual", "rezero"): (0.0, 1e-6),
    ("residual", "batch_norm"): (0.0, 0.4),
    ("residual", "pre_norm"): (0.0, 0.4),
}
"""log10 of the gradient at the first hidden layer over that at the last, and how far a network of this width
may be from it. With shortcuts it is taken on the stream that the blocks add to."""


@cache
def requests() -> dict[tuple[str, str | None], JobRequest]:
    names = {name for name, _ in PREDICTED} - {"control"}
    found = {(c.remedy, c.variant): c.request for name in names for c in candidates(name, ILL)}
    return {("control", None): ILL, **found}


def attenuation(request: JobRequest, seed: int) -> float:
    seeded = request.training.model_copy(update={"seed": seed})
    subject = prepare(request.model_copy(update={"training": seeded}))
    network, cpu = subject.network.train(), torch.device("cpu")
    adapt(network, subject.layers, subject.dataset, seeded, subject.loss, cpu, lambda *_: None)
    arriving = gradients(
        network, stations(network), subject.dataset.train_inputs, subject.dataset.train_targets
    )
    return float(torch.log10(arriving[0] / arriving[-1]))


def stations(network: nn.Module) -> list[nn.Module]:
    blocks = [module for module in network.modules() if isinstance(module, Residual)]
    linear = [m for m in network.modules() if isinstance(m, nn.Linear) and m.out_features == WIDTH]
    return blocks or linear


def gradients(network: nn.Module, modules: list[nn.Module], inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """Norms, in double precision, of the gradient at the output of each of the modules."""
    outputs: list[Tensor] = []
    for module in modules:
        module.register_forward_hook(lambda *args: outputs.append(args[2]))
    loss = loss_function("cross_entropy")(network(inputs[:SAMPLES]), targets[:SAMPLES])
    return [gradient.double().norm() for gradient in torch.autograd.grad(loss, outputs)]


@pytest.mark.parametrize(("remedy", "variant"), PREDICTED)
def test_the_gradient_at_the_first_layer_is_as_theory_says(remedy: str, variant: str | None) -> None:
    predicted, tolerance = PREDICTED[remedy, variant]
    measured = [attenuation(requests()[remedy, variant], seed) for seed in SEEDS]
    assert statistics.mean(measured) == pytest.approx(predicted, abs=tolerance), measured


def test_every_variant_that_acts_on_the_network_is_in_the_table() -> None:
    assert set(requests()) == set(PREDICTED)
