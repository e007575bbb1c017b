"""Layer-wise pre-training: one level after another, each on what the trained ones below make of inputs."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.contract.training_plan import LayerwisePretraining, TrainingPlan
from workers.probes.trace import LayerInfo
from workers.training.batches import Batches
from workers.training.data import TrainingData
from workers.training.errors import TrainingError
from workers.training.levels import Level, given_to, levels_of
from workers.training.loop import REPORT_SECONDS, Report
from workers.training.losses import Loss, loss_function

MOST_FEATURES = 16_384
"""What a temporary layer reads or rebuilds at most; larger representations are averaged down to it."""

ComputeLoss = Callable[[Tensor, Tensor], Tensor]
"""(inputs, targets) of a batch to a level's own loss."""


def pretraining_steps(training: TrainingPlan, network: nn.Module, layers: Sequence[LayerInfo]) -> int:
    """Optimizer steps that the pre-training takes, all levels together."""
    plan = training.pretraining
    if plan is None:
        return 0
    levels = levels_of(network, layers)
    return plan.steps_per_level * len(levels if plan.target == "supervised" else levels[:-1])


def pretrain(
    network: nn.Module,
    layers: Sequence[LayerInfo],
    dataset: TrainingData,
    training: TrainingPlan,
    loss: str,
    device: torch.device,
    report: Report,
) -> None:
    """Train the levels of `network` as `training.pretraining` says, in float32, each with Adam of its own.

    `supervised`: a temporary linear output layer on top of each level is trained with it on the job's own
    loss (Bengio et al. 2007, §4), at the last level the network's own output layer. `reconstruction`: a
    temporary linear decoder rebuilds what the level was given (mean squared error); the output layer is left
    as it is. Only the level's parameters move, and batch statistics of the levels below.

    Raises TrainingError if there is nothing to be trained level by level.
    """
    plan = training.pretraining
    assert plan is not None
    levels = levels_of(network, layers)
    if len(levels) < 2:
        raise TrainingError(
            "layer-wise pre-training needs at least one layer with weights before the output layer"
        )
    batches = iter(
        Batches(dataset.train_inputs, dataset.train_targets, training.batch_size, training.seed, device)
    )
    run = _Pretraining(network, levels, plan, loss_function(loss), device, batches, report)
    run.make()


@dataclass(frozen=True)
class _Pretraining:
    network: nn.Module
    levels: Sequence[Level]
    plan: LayerwisePretraining
    loss: Loss
    device: torch.device
    batches: Iterator[tuple[Tensor, Tensor]]
    report: Report

    def make(self) -> None:
        heard = time.monotonic()
        for number, level in enumerate(self.levels):
            if not level.parameters:
                continue
            with _only(self.network, level.parameters):
                for loss in self._level_steps(number, level):
                    if time.monotonic() - heard > REPORT_SECONDS:
                        heard = time.monotonic()
                        self._tell(loss)

    def _tell(self, loss: Tensor) -> None:
        value = float(loss)
        self.report(0, value if math.isfinite(value) else None)

    def _level_steps(self, number: int, level: Level) -> Iterator[Tensor]:
        if number + 1 < len(self.levels):
            compute, extra = self._objective(level, self.levels[number + 1])
        elif self.plan.target == "supervised":
            compute, extra = self._whole_network, nn.Identity()
        else:
            return
        parameters = [*level.parameters, *extra.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=self.plan.learning_rate)
        for _ in range(self.plan.steps_per_level):
            optimizer.zero_grad(set_to_none=True)
            loss = compute(*next(self.batches))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield loss.detach()

    def _objective(self, level: Level, above: Level) -> tuple[ComputeLoss, nn.Module]:
        """What a level is trained on, and the temporary layer for it."""
        inputs, _ = next(self.batches)
        make = {"supervised": self._supervised, "reconstruction": self._reconstruction}
        return make[self.plan.target](level, above, inputs)

    def _supervised(self, _: Level, above: Level, inputs: Tensor) -> tuple[ComputeLoss, nn.Module]:
        with torch.no_grad():
            outputs = self.network(inputs)
            features = _flat(given_to(self.network, above.entry, inputs)).shape[1]
        head = nn.Linear(features, math.prod(outputs.shape[1:])).to(self.device)

        def compute(inputs: Tensor, targets: Tensor) -> Tensor:
            made = head(_flat(given_to(self.network, above.entry, inputs)))
            return self.loss(
                made.unflatten(1, outputs.shape[1:]) if outputs.dim() > 1 else made[:, 0], targets
            )

        return compute, head

    def _reconstruction(self, level: Level, above: Level, inputs: Tensor) -> tuple[ComputeLoss, nn.Module]:
        with torch.no_grad():
            wanted = _flat(given_to(self.network, level.entry, inputs)).shape[1]
            features = _flat(given_to(self.network, above.entry, inputs)).shape[1]
        decoder = nn.Linear(features, wanted).to(self.device)

        def compute(inputs: Tensor, _targets: Tensor) -> Tensor:
            with torch.no_grad():
                given = _flat(given_to(self.network, level.entry, inputs))
            made = decoder(_flat(given_to(self.network, above.entry, inputs)))
            return functional.mse_loss(made, given)

        return compute, decoder

    def _whole_network(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self.network(inputs), targets)


def _flat(representation: Tensor) -> Tensor:
    """(samples, features), not too many of them."""
    flat = representation.flatten(1).float()
    if flat.shape[1] <= MOST_FEATURES:
        return flat
    return functional.adaptive_avg_pool1d(flat.unsqueeze(1), MOST_FEATURES).squeeze(1)


@contextmanager
def _only(network: nn.Module, trained: Sequence[nn.Parameter]) -> Iterator[None]:
    """Only these ask for a gradient, so that the passes below them keep nothing."""
    chosen = set(trained)
    before = {parameter: parameter.requires_grad for parameter in network.parameters()}
    for parameter in before:
        parameter.requires_grad_(parameter in chosen)
    try:
        yield
    finally:
        for parameter, wanted in before.items():
            parameter.requires_grad_(wanted)
            parameter.grad = None
