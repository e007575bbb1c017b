"""Data requests: what is known, what is refused."""

from typing import get_args

import pytest
from pydantic import ValidationError

from service.contract.data_spec import BUILTIN, BuiltinName
from tests.unit.models.requests import Written, data_request, synthetic


def test_every_built_in_name_has_an_entry() -> None:
    assert set(BUILTIN) == set(get_args(BuiltinName))


def test_an_unknown_data_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        data_request({"kind": "builtin", "name": "mnist"})
    assert all(name in str(caught.value) for name in BUILTIN)


def test_the_adding_problem_has_the_length_and_the_samples_asked_for() -> None:
    shape = data_request({"kind": "builtin", "name": "adding", "length": 7, "samples": 50}).shape
    assert (shape.sample.shape, shape.samples, shape.training_samples) == ((7, 2), 50, 35)


INVALID: list[tuple[Written, str]] = [
    ({"kind": "builtin", "name": "digits", "length": 5}, "digits is as it is"),
    ({"kind": "builtin", "name": "adding", "length": 2}, "greater than or equal to 4"),
    ({"kind": "builtin", "name": "adding", "length": 100_000}, "the most is 50,000,000"),
    ({"kind": "file", "path": "/etc/passwd"}, "does not match any of the expected tags"),
    (synthetic(), "at least 1 item"),
    (synthetic(3, 3, 3, 3), "at most 3 items"),
    (synthetic(3, 3, vocabulary=5), "is (time,)"),
    (synthetic(0), "greater than or equal to 1"),
    (synthetic(10**9), "the most is 50,000,000"),
    (synthetic(10**9, 10**9, 10**9), "the most is 50,000,000"),
    (synthetic(3, classes=1), "greater than or equal to 2"),
    (synthetic(3, classes=31), "at least 2 a class"),
    (synthetic(3, noise=float("nan")), "finite"),
    ({"kind": "synthetic", "input_shape": [1000], "classes": 2, "samples": 10**6}, "the most is 50,000,000"),
]


@pytest.mark.parametrize(("data", "said"), INVALID, ids=str)
def test_what_cannot_be_loaded_is_refused(data: Written, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        data_request(data)
    assert said in str(caught.value)
