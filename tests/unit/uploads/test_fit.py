"""Which outputs fit which targets, and what a misfit is told."""

import pytest
import torch

from workers.training.losses import class_axis_second, loss_function
from workers.uploads.errors import InvalidUploadError
from workers.uploads.fit import resolve_loss

FITTING = {
    "classes": ("auto", (8, 5), (8,), 5, "cross_entropy"),
    "more outputs than classes": ("auto", (8, 7), (8,), 5, "cross_entropy"),
    "a single logit": ("auto", (8, 1), (8,), 2, "bce_with_logits"),
    "a flat logit": ("auto", (8,), (8,), 2, "bce_with_logits"),
    "segmentation": ("auto", (8, 5, 4, 4), (8, 4, 4), 5, "cross_entropy"),
    "a class per time step, classes last": ("auto", (8, 6, 5), (8, 6), 5, "cross_entropy"),
    "regression": ("auto", (8, 3), (8, 3), None, "mse"),
    "flat regression": ("auto", (8,), (8, 1), None, "mse"),
    "one-hot squares": ("mse", (8, 5), (8,), 5, "mse"),
    "one-hot logits": ("bce_with_logits", (8, 5), (8,), 5, "bce_with_logits"),
}


@pytest.mark.parametrize("case", FITTING)
def test_outputs_that_fit_can_be_trained_on(case: str) -> None:
    loss, output_shape, target_shape, classes, expected = FITTING[case]
    outputs = torch.randn(output_shape, requires_grad=True)
    targets = torch.zeros(target_shape) if classes is None else torch.ones(target_shape, dtype=torch.int64)

    chosen = resolve_loss(loss, outputs, targets, classes)  # type: ignore[arg-type]

    assert chosen == expected
    loss_function(chosen)(outputs, targets).backward()
    assert outputs.grad is not None
    assert bool(outputs.grad.any())


MISFITS = {
    "too few outputs": ("auto", (8, 4), (8,), 5, "4 classes"),
    "a class per sample, an output per position": ("auto", (8, 5, 3), (8,), 5, "it needs (samples, classes)"),
    "another map size": ("auto", (8, 5, 4, 4), (8, 8, 8), 5, "(samples, classes, 8, 8)"),
    "a batch turned round": ("auto", (5, 8), (8,), 5, "another number of samples"),
    "wrong number of numbers": ("auto", (8, 3), (8, 2), None, "as many outputs"),
    "classes for numbers": ("cross_entropy", (8, 3), (8, 1), None, "use mse"),
    "one logit for many classes": ("bce_with_logits", (8, 1), (8,), 5, "single output"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_is_told_both_shapes_and_what_is_missing(case: str) -> None:
    loss, output_shape, target_shape, classes, said = MISFITS[case]
    targets = torch.zeros(target_shape, dtype=torch.float32 if classes is None else torch.int64)

    with pytest.raises(InvalidUploadError) as refused:
        resolve_loss(loss, torch.randn(output_shape), targets, classes)  # type: ignore[arg-type]

    for part in (str(output_shape), str(target_shape), said):
        assert part in refused.value.detail


def test_classes_stay_second_where_both_readings_are_possible() -> None:
    outputs = torch.randn(8, 6, 6)
    assert class_axis_second(outputs, torch.zeros(8, 6)) is outputs
