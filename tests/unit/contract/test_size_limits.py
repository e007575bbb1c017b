"""What is too large is refused at once, before it is written out."""

from collections.abc import Callable
from typing import Any

import pytest

from service.contract import expansion
from service.contract.errors import InvalidRequestError
from service.contract.planning import SizeLimits
from tests.unit.contract.refusals import LINEAR, nested, refusal
from tests.unit.models.requests import FLATTEN, HEAD, Written, plan, spec, synthetic

ABSURD: list[tuple[str, Written, str, str]] = [
    ("10^9 repeats", nested("repeat", 1, times=10**9), "/model/layers/1/times", "1,000,000,000 × 1 layers"),
    (
        "repeats of repeats of repeats",
        nested("repeat", 10, times=10**9),
        "/model/layers/1" + 9 * "/layers/0" + "/times",
        "the most is 2,048",
    ),
    (
        "16 harmless repeats that multiply",
        nested("repeat", 16, times=2),
        "/model/layers/1",
        "the most is 2,048",
    ),
    ("deep nesting", nested("residual", 100), "/model/layers/1" + 16 * "/layers/0" + "/layers", "16 deep"),
    ("10^18 parameters", {"op": "linear", "units": 10**9}, "/model/layers/1", "65,000,000,000 parameters"),
]


@pytest.mark.parametrize(
    ("layer", "pointer", "said"), [case[1:] for case in ABSURD], ids=[c[0] for c in ABSURD]
)
def test_absurd_sizes_are_refused_without_writing_them_out(
    layer: Written, pointer: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = count_planned_layers(monkeypatch)
    error = refusal(spec(FLATTEN, layer, HEAD))
    assert error.pointer.startswith(pointer)
    assert said in error.detail
    assert planned() <= 2  # the flatten before it, and itself


def test_the_count_of_written_out_layers_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = count_planned_layers(monkeypatch)
    plan(spec(FLATTEN, nested("repeat", 1, times=50), HEAD))
    assert planned() >= 52


def count_planned_layers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many layers were written out, as a measure of work that a busy machine does not change."""
    made: list[str] = []
    original = expansion.PlannedLayer.__init__

    def counted(self: expansion.PlannedLayer, name: str, *args: Any, **fields: Any) -> None:
        made.append(name)
        original(self, name, *args, **fields)

    monkeypatch.setattr(expansion.PlannedLayer, "__init__", counted)
    return lambda: len(made)


def test_10_to_the_12_parameters_are_counted_and_refused() -> None:
    wide = {"op": "linear", "units": 10**6}
    error = refusal(spec(FLATTEN, wide, wide, HEAD))
    assert error.pointer == "/model/layers/2"
    assert "1,000,001,000,000 parameters" in error.detail


def test_many_layers_that_are_each_small_enough_are_too_many_parameters_together() -> None:
    thousand = {"op": "repeat", "times": 300, "layers": [{"op": "linear", "units": 1000}]}
    error = refusal(spec(FLATTEN, thousand, HEAD))
    assert error.pointer == "/model/layers/1/layers/0"
    assert "the most is 200,000,000" in error.detail


def test_attention_over_a_long_sequence_is_too_much_memory() -> None:
    long = synthetic(20_000, 4)
    error = refusal(spec({"op": "attention"}, FLATTEN, HEAD), long, batch_size=8)
    assert error.pointer == "/model/layers/0"
    assert "numbers in memory" in error.detail


def test_a_batch_too_large_for_the_network_is_blamed_on_the_batch() -> None:
    model = spec({"op": "recurrent", "cell": "lstm", "units": 1024}, HEAD)
    data = {"kind": "builtin", "name": "adding", "length": 1000}
    assert refusal(model, data, batch_size=4096).pointer == "/training/batch_size"
    assert plan(model, data, batch_size=64).output_shape == (1,)


def test_only_as_many_samples_as_there_are_count_as_a_batch() -> None:
    assert plan(spec(FLATTEN, HEAD), batch_size=65_536).output_shape == (10,)


def test_limits_can_be_set() -> None:
    model = spec(FLATTEN, {"op": "repeat", "times": 5, "layers": [LINEAR]}, HEAD)
    assert len(plan(model).layers) == 7
    with pytest.raises(InvalidRequestError, match="most is 6"):
        plan(model, limits=SizeLimits(layers=6))
