"""What the number format loses: gradients flushed to zero, updates absorbed by rounding."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from service.contract.training_plan import TrainingPlan
from workers.examination.subject import Subject, gradients
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision


def flushed_share(subject: Subject, precise: Sequence[Tensor | None], precision: Precision) -> float:
    """Share of gradient entries that are zero in the job's format, with its present loss scale, but not in
    float32 (`precise`). Micikevicius et al. 2018."""
    if precision.name == "float32":
        return 0.0
    subject, scale = subject.copy(), precision.scale()
    with precision.autocast():
        outputs = subject.outputs()
    loss = subject.loss(outputs, subject.targets)
    coarse = gradients(loss if scale is None else loss * scale, subject.parameters())
    flushed = entries = 0
    for low, full in zip(coarse, precise, strict=True):
        if low is not None and full is not None:
            flushed += int(((low == 0) & (full != 0)).sum())
            entries += full.numel()
    return flushed / entries if entries else math.nan


def absorbed_share(
    subject: Subject,
    precise: Sequence[Tensor | None],
    plan: TrainingPlan,
    optimizer: torch.optim.Optimizer,
) -> float:
    """Share of weights that have a gradient and that the job's next update, made here, leaves as they are:
    w + u rounds to w. Changes the subject. `optimizer` is the job's, whose state is copied."""
    parameters = subject.parameters()
    own = build_optimizer(subject.network, plan)
    own.load_state_dict(optimizer.state_dict())
    before = [parameter.detach().clone() for parameter in parameters]
    for parameter, gradient in zip(parameters, precise, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    if plan.clip_grad_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, plan.clip_grad_norm)
    own.step()
    absorbed = entries = 0
    for parameter, start, gradient in zip(parameters, before, precise, strict=True):
        if gradient is not None:
            absorbed += int(((parameter.detach() == start) & (gradient != 0)).sum())
            entries += gradient.numel()
    return absorbed / entries if entries else math.nan
