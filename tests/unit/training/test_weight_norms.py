"""Weights are read whole once a flush only; their norms are there for every measured step."""

import numpy as np
import torch
from torch import nn

from service.contract.training_plan import ProbePlan, TrainingPlan
from tests.unit.probes.networks import TinyData, layer_infos, seeded
from workers.training import train_and_probe

STEPS = 30
"""All in one flush, but for the first."""


def build() -> nn.Sequential:
    return nn.Sequential(nn.Linear(12, 64), nn.Tanh(), nn.Linear(64, 4))


def test_norms_follow_weights_that_more_than_double_without_being_read_whole() -> None:
    networks, series = [seeded(build), seeded(build)], []
    for network, steps in zip(networks, (STEPS, STEPS - 1), strict=True):
        plan = TrainingPlan(steps=steps, batch_size=32, optimizer="adam")
        trace = train_and_probe(
            network, layer_infos(network), TinyData.of((12,)), plan, ProbePlan(every=1), "cross_entropy",
            torch.device("cpu"), lambda *_: None,
        )  # fmt: skip
        series.append(trace.series["weight.norm"].values[:, [0, 2]])
    before_last_step = [float(networks[1][i].weight.detach().norm()) for i in (0, 2)]
    assert before_last_step[0] > 2 * series[0][0, 0]
    np.testing.assert_allclose(series[0][-1], before_last_step, rtol=0.05)
    first = [float(seeded(build)[i].weight.detach().norm()) for i in (0, 2)]
    np.testing.assert_allclose(series[0][0], first, rtol=1e-6)
