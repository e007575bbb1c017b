"""How well the network does, on data held out and on data that it was trained on."""

import torch
from torch import Tensor, nn

from workers.training.data import TrainingData
from workers.training.losses import class_axis_second
from workers.training.precision import Precision

MAX_SAMPLES = 2048
"""Evaluations use no more samples than this: the standard error of an accuracy is then 1 % at most."""

BATCH = 256


class Evaluator:
    """Measures accuracy or mean squared error on fixed samples of a data set."""

    def __init__(self, dataset: TrainingData, precision: Precision, device: torch.device, seed: int) -> None:
        self._dataset = dataset
        self._precision = precision
        self._device = device
        generator = torch.Generator().manual_seed(seed)
        self._test = _pick(dataset.test_inputs, dataset.test_targets, generator)
        self._train = _pick(dataset.train_inputs, dataset.train_targets, generator)

    @property
    def held_out_samples(self) -> int:
        return len(self._test[0])

    def held_out(self, network: nn.Module) -> float:
        return self._measure(network, *self._test)

    def on_training_data(self, network: nn.Module) -> float:
        return self._measure(network, *self._train)

    def largest_answer_share(self, network: nn.Module) -> float:
        """Share of the held-out answers that are the most frequent one; 1 for a constant one. NaN for
        regression, or if an output is not finite."""
        if self._dataset.task != "classification":
            return float("nan")
        answers = []
        for outputs, targets in self._pieces(network, *self._test):
            if not torch.isfinite(outputs).all():
                return float("nan")
            answers.append(_predicted_class(outputs, targets))
        counts = torch.bincount(torch.cat(answers))
        return float(counts.max() / counts.sum())

    def _measure(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> float:
        """NaN if an output is not finite: such a network answers nothing."""
        pieces = self._pieces(network, inputs, targets)
        return sum(self._sum(*piece) for piece in pieces) / targets.numel()

    def _sum(self, outputs: Tensor, targets: Tensor) -> float:
        """Right answers, or squared errors; NaN if an output is not finite."""
        if not torch.isfinite(outputs).all():
            return float("nan")
        if self._dataset.task == "classification":
            return float((_predicted_class(outputs, targets) == targets.flatten()).sum())
        return float((outputs.double().reshape(targets.shape) - targets.double()).square().sum())

    def _pieces(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Outputs and targets on the CPU, a batch at a time, in evaluation mode."""
        modes = {module: module.training for module in network.modules()}
        network.eval()
        try:
            with torch.no_grad(), self._precision.autocast():
                return [
                    (network(part.to(self._device)).float().cpu(), wanted)
                    for part, wanted in zip(
                        torch.split(inputs, BATCH), torch.split(targets, BATCH), strict=True
                    )
                ]
        finally:
            for module, mode in modes.items():
                module.training = mode


def _predicted_class(outputs: Tensor, targets: Tensor) -> Tensor:
    """For each target the largest output's index; for a single output (a logit) whether it is positive."""
    if outputs.numel() > targets.numel():
        return class_axis_second(outputs, targets).argmax(dim=1).flatten()
    return (outputs.flatten() > 0).long()


def _pick(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    if len(inputs) <= MAX_SAMPLES:
        return inputs, targets
    chosen = torch.randperm(len(inputs), generator=generator)[:MAX_SAMPLES]
    return inputs[chosen], targets[chosen]
