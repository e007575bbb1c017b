"""Where a remedy does not fit, it says why."""

import pytest

from service.contract.job import JobRequest
from tests.unit.remedies.catalog.requests import (
    HEAD,
    LINEAR,
    SIGMOID,
    deep,
    job,
    recurrent,
    synthetic,
    uploaded_network,
)
from workers.remedies.catalog import NotApplicable, candidates

SHORTCUT = {"op": "residual", "layers": [LINEAR, SIGMOID]}
NARROWING = job({"op": "linear", "units": 7}, SIGMOID, LINEAR, SIGMOID, HEAD)
LINEAR_ONLY = job(LINEAR, HEAD)
LOGISTIC = job(HEAD)
TWO_STEPS = job({"op": "recurrent", "units": 4}, HEAD, data=synthetic(2, 2))
NORMALISED = job(LINEAR, {"op": "batch_norm"}, SIGMOID, HEAD)
WIDE = 20_000

CASES: list[tuple[str, JobRequest, str]] = [
    ("activation", LINEAR_ONLY, "no activation"),
    ("relu", LINEAR_ONLY, "no activation"),
    ("batch_norm", LINEAR_ONLY, "no activation"),
    ("layer_norm", NORMALISED, "already"),
    ("batch_norm", deep(batch_size=1), "cannot train on batches of 1"),
    ("initialization", LOGISTIC, "no linear or convolutional layer before the last"),
    ("initialization", recurrent(), "no linear or convolutional layer before the last"),
    ("layerwise_pretraining", LOGISTIC, "no layer with weights before"),
    ("residual", NARROWING, "sizes never repeat"),
    ("residual", job(LINEAR, SHORTCUT, HEAD), "shortcuts already"),
    ("residual", LINEAR_ONLY, "sizes never repeat"),
    ("highway", NARROWING, "sizes never repeat"),
    ("highway", job(LINEAR, SHORTCUT, HEAD), "shortcuts already"),
    ("lstm", deep(), "no recurrent layer"),
    ("gru", deep(), "no recurrent layer"),
    ("orthogonal_recurrence", deep(), "no recurrent layer"),
    ("orthogonal_recurrence", recurrent(cell="lstm"), "gated"),
    ("shorter_backpropagation", deep(), "no recurrent layer"),
    ("shorter_backpropagation", TWO_STEPS, "2 time steps only"),
    ("gradient_clipping", deep(clip_grad_norm=0.5), "0.5 already"),
    ("loss_scaling", deep(), "float32"),
    ("loss_scaling", deep(precision="float16"), "already"),
    ("bfloat16", deep(precision="bfloat16"), "range is that of float32"),
    ("input_scaling", deep(), "generated"),
    ("input_scaling", deep(data={"kind": "builtin", "name": "iris"}), "already"),
    ("unfreeze", deep(), "no layer is frozen"),
    ("lstm", uploaded_network(), "uploaded network"),
    ("orthogonal_recurrence", uploaded_network(), "uploaded network"),
    ("shorter_backpropagation", uploaded_network(), "uploaded network"),
]


@pytest.mark.parametrize(
    ("name", "request_", "reason"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_reason_is_given(name: str, request_: JobRequest, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        candidates(name, request_)


def test_a_variant_that_does_not_fit_is_left_out_and_the_others_stay() -> None:
    found = candidates("lstm", TWO_STEPS)
    assert [candidate.variant for candidate in found] == ["forget_bias_1", "default"]


def test_batches_of_one_sample_leave_the_residual_variants_without_batch_norm() -> None:
    found = candidates("residual", deep(batch_size=1))
    assert [candidate.variant for candidate in found] == ["rezero", "plain", "pre_norm"]


def test_a_network_that_would_become_too_large_is_left_as_it_is() -> None:
    wide = {"op": "linear", "units": 8000}
    large = job(wide, SIGMOID, wide, SIGMOID, wide, SIGMOID, HEAD)
    with pytest.raises(NotApplicable, match="the most is"):
        candidates("highway", large)


def test_a_cell_whose_gates_are_right_already_is_not_tried_again() -> None:
    found = candidates("lstm", recurrent(cell="lstm", forget_bias="chrono"))
    assert [candidate.variant for candidate in found] == ["forget_bias_1"]
