"""Can the network learn a handful of samples by heart? If so, the optimisation itself works."""

import math
import time

import torch

from workers.examination.subject import DROPOUTS, Subject

SAMPLES = 32
STEPS = 60
LEARNING_RATE = 3e-3

SLOW_STEP = 0.2
"""Seconds: a network whose steps take longer is left in peace."""

TIMED_STEPS = 3
"""Steps after which that is decided, by the fastest."""


def overfit_ratio(subject: Subject) -> float:
    """Loss at the end over loss at the start, of a few Adam steps on a few samples; changes the subject.

    NaN if the steps take too long, or if a loss is not finite. Dropout is off: by heart is meant.
    """
    few = subject.few(SAMPLES)
    for module in few.network.modules():
        if isinstance(module, DROPOUTS):
            module.eval()
    optimizer = torch.optim.Adam(few.parameters(), LEARNING_RATE)
    start, fastest = math.nan, math.inf
    for step in range(STEPS):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = few.compute_loss()
        if step == 0:
            start = float(loss.detach())
        if not loss.requires_grad or not math.isfinite(start) or start <= 0.0:
            return math.nan
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        fastest = min(fastest, time.perf_counter() - began)
        if step + 1 == TIMED_STEPS and fastest > SLOW_STEP:
            return math.nan
    with torch.no_grad():
        end = float(few.compute_loss())
    return end / start if math.isfinite(end) else math.nan
