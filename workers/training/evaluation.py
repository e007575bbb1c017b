"""How well the network does, on data held out and on data that it was trained on."""

import torch
from torch import Tensor, nn

from workers.training.data import TrainingData
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
        """Share of the held-out samples that get the most frequent answer; 1 for a constant one. NaN for
        regression, or if an output is not finite."""
        outputs = self._outputs(network, self._test[0])
        if self._dataset.task != "classification" or not torch.isfinite(outputs).all():
            return float("nan")
        answers = torch.bincount(_predicted_class(outputs).flatten())
        return float(answers.max() / answers.sum())

    def _measure(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> float:
        """NaN if an output is not finite: such a network answers nothing."""
        outputs = self._outputs(network, inputs)
        if not torch.isfinite(outputs).all():
            return float("nan")
        if self._dataset.task == "classification":
            return float((_predicted_class(outputs) == targets.flatten()).float().mean())
        return float((outputs.double().reshape(targets.shape) - targets.double()).square().mean())

    def _outputs(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """In evaluation mode."""
        modes = {module: module.training for module in network.modules()}
        network.eval()
        try:
            with torch.no_grad(), self._precision.autocast():
                parts = [network(part.to(self._device)).float() for part in torch.split(inputs, BATCH)]
        finally:
            for module, mode in modes.items():
                module.training = mode
        return torch.cat(parts).cpu()


def _predicted_class(outputs: Tensor) -> Tensor:
    """The largest output's index; for a single output (a logit) whether it is positive."""
    if outputs.dim() > 1 and outputs.shape[1] > 1:
        return outputs.argmax(dim=1)
    return (outputs.flatten() > 0).long()


def _pick(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    if len(inputs) <= MAX_SAMPLES:
        return inputs, targets
    chosen = torch.randperm(len(inputs), generator=generator)[:MAX_SAMPLES]
    return inputs[chosen], targets[chosen]
