"""How far along the negative gradient the loss falls, and how much: is the learning rate the right size?"""

import math

import torch

from workers.examination.subject import Subject

POWERS = range(-9, 7)
"""Steps that are tried: 4 to these powers, times the step that would bring a straight line to zero."""

NOISE = 4 * torch.finfo(torch.float32).eps
"""A relative drop of the loss below this is rounding."""


def line_search(subject: Subject, learning_rate: float) -> tuple[float, float]:
    """Best relative drop of the loss, and log10(best step / learning rate); changes the subject.

    The steps are laid around loss / ‖gradient‖², so they fit any scale of loss and gradient. NaN for the
    second where no step lowers the loss, and for both where the loss is not finite.
    """
    loss = subject.compute_loss()
    base = float(loss.detach())
    if not math.isfinite(base):
        return math.nan, math.nan
    search = _Search(subject, loss)
    if base <= 0.0 or not 0.0 < search.square < math.inf:
        return 0.0, math.nan
    straight = base / search.square
    losses = {step: search.at(step) for step in (straight * 4.0**power for power in POWERS)}
    coarse = min(losses, key=losses.__getitem__)
    losses |= {step: search.at(step) for step in (coarse / 2.0, coarse * 2.0)}
    best = min(losses, key=losses.__getitem__)
    gain = (base - losses[best]) / base
    if gain < NOISE:
        return 0.0, math.nan
    return gain, math.log10(best) - math.log10(learning_rate)


class _Search:
    """The loss along a line."""

    def __init__(self, subject: Subject, loss: torch.Tensor) -> None:
        parameters = subject.parameters()
        self._subject = subject
        found = torch.autograd.grad(loss, parameters, allow_unused=True) if loss.requires_grad else ()
        self._moved = [
            (p, p.detach().clone(), g) for p, g in zip(parameters, found, strict=False) if g is not None
        ]
        self.square = sum(float(g.double().square().sum()) for _, _, g in self._moved)

    @torch.no_grad()
    def at(self, step: float) -> float:
        """The loss after a step of that size; infinite if it is not finite."""
        for parameter, start, gradient in self._moved:
            parameter.copy_(start - step * gradient)
        value = float(self._subject.compute_loss())
        return value if math.isfinite(value) else math.inf
