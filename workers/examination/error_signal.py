"""How wrong the network is, and how much of that error gets past the output's activation."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.examination.subject import Subject

PROBABILITIES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda outputs: outputs,
    "sigmoid": lambda outputs: outputs,
    "log_softmax": torch.exp,
}
"""Output activations after which the outputs are probabilities, and how."""

FROM_LOSS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "cross_entropy": lambda outputs: functional.softmax(outputs, dim=1),
    "bce_with_logits": torch.sigmoid,
    "mse": lambda outputs: outputs,
}
"""Without one, what the loss takes the outputs for."""

SLOPE: Mapping[str, Callable[[int], float]] = {
    "cross_entropy": lambda _: 1.0,
    "bce_with_logits": lambda outputs: float(outputs),
    "mse": lambda outputs: outputs / 2.0,
}
"""What makes the gradient at linear outputs (for cross entropy: at the logits) equal to the error, for a
number of outputs per sample."""


def error_signal(subject: Subject) -> tuple[float, float, float]:
    """(loss, error level, share of the error that reaches the output); see Examination.

    The last is measured at the input of the output's activation, if the network ends with one: a softmax or
    sigmoid that is saturated lets none through under a squared error (Nielsen 2015, ch. 3).
    """
    outputs, before = _outputs(subject)
    loss = subject.loss(outputs, subject.targets)
    error = _error(subject, outputs.detach())
    size = error.norm(dim=1).mean()
    level = _level(subject, error)
    if not loss.requires_grad or not before.requires_grad or float(size) == 0.0:
        return float(loss.detach()), level, math.nan
    (gradient,) = torch.autograd.grad(loss, before)
    arriving = gradient.flatten(1).double().norm(dim=1).mean() * len(gradient)
    return float(loss.detach()), level, float(arriving / size) * SLOPE[subject.loss_name](error.shape[1])


def _outputs(subject: Subject) -> tuple[Tensor, Tensor]:
    """The outputs, and what the output's activation was given: the outputs themselves without one."""
    last = subject.layers[-1] if subject.layers else None
    if last is None or last.op != "activation":
        outputs = subject.outputs()
        return outputs, outputs
    seen: list[tuple[Tensor, Tensor]] = []

    def note(_module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append((given[0], output))

    handle = subject.network.get_submodule(last.name).register_forward_hook(note)
    try:
        outputs = subject.outputs()
    finally:
        handle.remove()
    given, output = seen[-1] if seen else (outputs, None)
    return outputs, given if output is outputs else outputs


def _error(subject: Subject, outputs: Tensor) -> Tensor:
    """(samples, outputs) prediction minus target, in float64."""
    outputs = outputs.double()
    if subject.task == "regression":
        return outputs.flatten(1) - subject.targets.double().reshape(len(outputs), -1)
    last = subject.layers[-1] if subject.layers else None
    function = last.function if last is not None and last.op == "activation" else None
    known = PROBABILITIES.get(function or "") or FROM_LOSS[subject.loss_name]
    predicted = known(outputs).flatten(1)
    return predicted - _truth(subject.targets, predicted.shape[1])


def _truth(targets: Tensor, outputs: int) -> Tensor:
    """One-hot rows; for a single output the class itself."""
    if targets.is_floating_point() or outputs == 1:
        return targets.double().reshape(len(targets), -1)
    return functional.one_hot(targets.long(), outputs).double()


def _level(subject: Subject, error: Tensor) -> float:
    """The error relative to that of the best answer that does not look at the input."""
    if subject.task == "regression":
        targets = subject.targets.double().reshape(len(error), -1)
        spread = float((targets - targets.mean(0)).square().mean())
        return math.sqrt(float(error.square().mean()) / spread) if spread > 0.0 else math.nan
    ignorance = 0.5 if error.shape[1] == 1 else math.sqrt(1.0 - 1.0 / error.shape[1])
    return float(error.norm(dim=1).mean()) / ignorance
