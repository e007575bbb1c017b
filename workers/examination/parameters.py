"""Which parameters take part in training, and which part of the network the gradient would change."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from service.contract.training_plan import TrainingPlan
from workers.examination.subject import Subject
from workers.examination.weights import owner, weight_layers
from workers.probes.trace import ParameterInfo
from workers.training.optimizers import build_optimizer

FIRST_STEPS = 3
"""Steps after which a parameter that starts without gradient because another starts at zero has one."""

Gradients = Mapping[str, Tensor | None]
"""By parameter name; None where no path leads to it."""


def named_gradients(subject: Subject, found: Sequence[Tensor | None]) -> Gradients:
    """The gradients of `Subject.gradients`, by name."""
    names = [name for name, parameter in subject.network.named_parameters() if parameter.requires_grad]
    return dict(zip(names, found, strict=True))


@dataclass(frozen=True)
class Reach:
    """How far the gradient reached, without the gradient."""

    reached: frozenset[str]
    """Parameters that a path leads to."""
    zero: frozenset[str]
    """Those of them with a gradient of exactly zero."""
    denormal_share: float
    """Of the gradient's entries other than zero: see Cost."""

    @classmethod
    def of(cls, found: Gradients) -> "Reach":
        given = {name: gradient for name, gradient in found.items() if gradient is not None}
        zero = frozenset(name for name, gradient in given.items() if not bool(gradient.any()))
        return cls(frozenset(given), zero, denormal_share(found))


def zero_after_some_steps(subject: Subject, plan: TrainingPlan) -> frozenset[str]:
    """`Reach.zero` after the first few updates, made here: for a run that makes none. Changes the subject."""
    optimizer = build_optimizer(subject.network, plan)
    for _ in range(FIRST_STEPS):
        optimizer.zero_grad(set_to_none=True)
        loss = subject.compute_loss()
        if not loss.requires_grad:
            break
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return Reach.of(named_gradients(subject, subject.gradients())).zero


def parameter_infos(
    subject: Subject, at_start: "Reach", zero_later: frozenset[str], trained: frozenset[str]
) -> tuple[ParameterInfo, ...]:
    """For what was found at step 0, the names of those that are zero later, and those that the optimizer
    trains."""
    return tuple(
        ParameterInfo(
            name=name,
            layer=owner(name, subject.layers) or name.rpartition(".")[0],
            size=parameter.numel(),
            trained=name in trained,
            reached=name in at_start.reached,
            zero_at_start=name in at_start.zero,
            zero_later=name in zero_later,
        )
        for name, parameter in subject.network.named_parameters()
    )


def trained_names(network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> frozenset[str]:
    """Parameters that ask for a gradient and that the optimizer has."""
    given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return frozenset(n for n, p in network.named_parameters() if p.requires_grad and id(p) in given)


def predicted_share_bottom(subject: Subject, found: Gradients) -> float:
    """Share of the squared gradient norms, Σ‖g‖², in the first half of the layers with weights. A step along
    the gradient lowers the loss in proportion to it. NaN for less than two such layers, or no gradient."""
    groups = list(weight_layers(subject.network, subject.layers).values())
    if len(groups) < 2:
        return math.nan
    squares = [sum(_square(found.get(name)) for name in names) for names in groups]
    total = sum(squares)
    return sum(squares[: len(squares) // 2]) / total if 0.0 < total < math.inf else math.nan


def denormal_share(found: Gradients) -> float:
    """Share of the entries other than zero that are below the smallest normal float32: a CPU takes many times
    as long for them."""
    entries = [g for g in found.values() if g is not None]
    nonzero = sum(int((g != 0).sum()) for g in entries)
    tiny = sum(int(((g != 0) & (g.abs() < torch.finfo(torch.float32).tiny)).sum()) for g in entries)
    return tiny / nonzero if nonzero else math.nan


def _square(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else float(gradient.double().square().sum())
