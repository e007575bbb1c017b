"""What is not even a model spec is refused by its type; what is one survives being stored."""

import pytest
from pydantic import ValidationError

from service.contract.job import JobRequest
from tests.unit.contract.refusals import LINEAR, nested
from tests.unit.models.requests import FLATTEN, HEAD, Written, plan, spec, synthetic

INVALID: list[tuple[str, Written, str]] = [
    ("no layers", spec(), "at least 1 item"),
    ("a repeat of nothing", spec({"op": "repeat", "times": 3, "layers": []}), "at least 1 item"),
    ("zero times", spec({"op": "repeat", "times": 0, "layers": [LINEAR]}), "greater than or equal to 1"),
    ("a negative size", spec({"op": "linear", "units": -4}), "greater than or equal to 1"),
    ("a huge integer", spec({"op": "linear", "units": 10**400}), "less than or equal to"),
    ("a size as text", spec({"op": "linear", "units": "64"}), "'targets'"),
    ("a size as a truth value", spec({"op": "linear", "units": True}), "valid integer"),
    ("an unknown op", spec({"op": "convolution"}), "does not match any of the expected tags"),
    ("an unknown field", spec({**LINEAR, "width": 3}), "Extra inputs"),
    ("an unknown function", spec({"op": "activation", "function": "swish"}), "'silu'"),
    ("a slope of tanh", spec({"op": "activation", "function": "tanh", "negative_slope": 0.1}), "leaky_relu"),
    ("a gain of normal", spec({**LINEAR, "init": {"name": "normal", "gain": 2}}), "Extra inputs"),
    ("a std of xavier", spec({**LINEAR, "init": {"name": "xavier_normal", "std": 2}}), "Extra inputs"),
    ("a constant without its value", spec({**LINEAR, "init": "constant"}), "Field required"),
    ("an infinite std", spec({**LINEAR, "init": {"name": "normal", "std": float("inf")}}), "finite"),
    (
        "uniform upside down",
        spec({**LINEAR, "init": {"name": "uniform", "low": 2, "high": 1}}),
        "must not be above",
    ),
    ("a bias from a fan-in", spec({**LINEAR, "bias_init": "he_normal"}), "does not match"),
    ("a bias that is not there", spec({**LINEAR, "bias": False, "bias_init": "zeros"}), '"bias" is false'),
    ("a forget gate in a plain RNN", spec({"op": "recurrent", "units": 3, "forget_bias": 1}), "needs a gate"),
    (
        "relu in an LSTM",
        spec({"op": "recurrent", "cell": "lstm", "units": 3, "nonlinearity": "relu"}),
        "cell rnn",
    ),
    ("nesting beyond reason", spec(nested("residual", 3000)), "Recursion"),
]


@pytest.mark.parametrize(("model", "said"), [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_what_is_not_even_a_spec_is_refused_by_its_type(model: Written, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(model)
    assert said.lower() in str(caught.value).lower()


def test_a_request_survives_being_stored_with_its_defaults_filled_in() -> None:
    layers = [
        {"op": "recurrent", "units": 3, "cell": "lstm", "return": "sequence", "forget_bias": "chrono"},
        {"op": "residual", "layers": [{"op": "linear", "units": 3, "bias": False}], "scale": {"learned": 0}},
        {"op": "activation", "function": "tanh"},
        FLATTEN,
        HEAD,
    ]
    request = JobRequest.model_validate({"model": spec(*layers), "data": synthetic(20, 4)})
    assert JobRequest.model_validate_json(request.model_dump_json()) == request
    assert '"return":"sequence"' in request.model_dump_json()
