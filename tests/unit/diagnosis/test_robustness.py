"""Whatever the numbers in a trace are, there is a diagnosis, and its JSON holds no NaN."""

import json
import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.unit.diagnosis.traces import LEARNED, RUN, layer
from workers.diagnosis import diagnose
from workers.probes.examined import Cost, DataCheck, Examination, ParameterInfo
from workers.probes.trace import (
    LAYER_QUANTITIES,
    STATISTICS,
    TENSORS,
    Evaluation,
    LayerInfo,
    Series,
    TimeProfile,
    Trace,
)

OPS = (
    "linear",
    "activation",
    "conv2d",
    "recurrent",
    "residual",
    "batch_norm",
    "flatten",
    "attention",
    "embedding",
)
NUMBERS = st.floats(width=64) | st.sampled_from(
    [0.0, 1.0, 1e-320, 1e308, float("nan"), float("inf"), float("-inf")]
)
SERIES = [*(f"{t}.{s}" for t in TENSORS for s in STATISTICS), *LAYER_QUANTITIES]


def arrays_of(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float64, shape, elements=NUMBERS)


def of_numbers(kind: type[Any], **integers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """A dataclass whose fields are any numbers."""
    return st.builds(kind, **{f.name: integers.get(f.name, NUMBERS) for f in fields(kind)})


EXAMINATIONS = of_numbers(Examination, step=st.sampled_from([0, 150]))
PARAMETERS = st.builds(
    ParameterInfo, name=st.just("w"), layer=st.sampled_from(["", "0", "gone"]), size=st.integers(0, 9),
    trained=st.booleans(), reached=st.booleans(), zero_at_start=st.booleans(), zero_later=st.booleans(),
)  # fmt: skip


@st.composite
def layer_infos(draw: st.DrawFn) -> tuple[LayerInfo, ...]:
    count = draw(st.integers(0, 8))
    return tuple(
        layer(
            f"{i}", draw(st.sampled_from(OPS)), parameters=draw(st.sampled_from([0, 100])),
            function=draw(st.sampled_from([None, "sigmoid", "relu", "lstm", "new"])),
            on_spine=draw(st.booleans()), trainable=draw(st.booleans()),
            output_shape=draw(st.sampled_from([(), (1,), (64,), (3, 8, 8), (5, 2)])),
        )
        for i in range(count)
    )  # fmt: skip


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    layers = draw(layer_infos())
    steps, rows, length = (
        draw(st.sampled_from([0, 1, 3, 150])),
        draw(st.integers(0, 4)),
        draw(st.integers(0, 5)),
    )
    at = np.arange(rows, dtype=np.int64)
    names = draw(st.lists(st.sampled_from(SERIES), unique=True))
    evaluation = draw(
        st.none()
        | st.builds(
            Evaluation,
            metric=st.sampled_from(["accuracy", "mean_squared_error"]),
            before=NUMBERS,
            after=NUMBERS,
            after_on_training_data=NUMBERS,
            chance=NUMBERS,
            samples=st.integers(0, 1000),
        )
    )
    return Trace(
        run=replace(RUN, steps_planned=steps, seconds=draw(NUMBERS), probe_overhead=draw(st.none() | NUMBERS),
                    learning_rate=draw(st.floats(1e-12, 1e6)),
                    optimizer=draw(st.sampled_from(["sgd", "adam"]))),
        layers=layers, loss=draw(arrays_of(max(steps, 1))), total_gradient_norm=draw(arrays_of(steps)),
        step_seconds=draw(arrays_of(steps)),
        series={name: Series(at, draw(arrays_of(rows, len(layers)))) for name in names},
        through_time={info.name: TimeProfile(at, draw(arrays_of(rows, length))) for info in layers
                      if info.op == "recurrent"},
        evaluation=evaluation,
        examinations=tuple(draw(st.lists(EXAMINATIONS, max_size=2))),
        data_check=draw(st.none() | of_numbers(DataCheck, samples=st.integers(1, 99))),
        parameters=tuple(draw(st.lists(PARAMETERS, max_size=3))),
        cost=draw(st.none() | of_numbers(Cost)),
    )  # fmt: skip


def expect_numbers_only(trace: Trace) -> None:
    """There is a diagnosis, without NaN or infinity in its numbers or its sentences."""
    diagnosis = diagnose(trace, service_version="0.1.0", metadata={"commit": "abc"})

    json.loads(diagnosis.model_dump_json(), parse_constant=refuse)
    assert diagnosis.metadata == {"commit": "abc"}
    sentences = [diagnosis.summary, *diagnosis.not_checked]
    sentences += [text for finding in diagnosis.findings for text in (finding.summary, finding.explanation)]
    for sentence in sentences:
        assert not re.search(r"(?<![a-zA-Z])(nan|inf)(?![a-zA-Z])", sentence), sentence


def refuse(name: str) -> Any:
    raise AssertionError(f"{name} in the JSON")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(traces())
def test_any_trace_has_a_diagnosis_without_nan(trace: Trace) -> None:
    expect_numbers_only(trace)


DEEP = tuple(
    layer(str(i), op, function="sigmoid") for i in range(0, 12, 2) for op in ("linear", "activation")
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(norms=arrays_of(3, len(DEEP)), times=arrays_of(3, 4), loss=arrays_of(150), growth=arrays_of(150))
def test_any_gradient_in_a_deep_network_has_a_diagnosis(
    norms: np.ndarray, times: np.ndarray, loss: np.ndarray, growth: np.ndarray
) -> None:
    layers = (*DEEP, layer("r", "recurrent", parameters=9))
    column = np.ones((3, 1))
    at = np.arange(3)
    trace = Trace(
        run=RUN, layers=layers, loss=loss, total_gradient_norm=growth, step_seconds=np.ones(150),
        series={"backpropagated.norm": Series(at, np.hstack([norms, column]))},
        through_time={"r": TimeProfile(at, times)}, evaluation=replace(LEARNED, after=0.1),
    )  # fmt: skip
    expect_numbers_only(trace)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_network_with_nothing_but_one_such_number_has_a_diagnosis(value: float) -> None:
    layers = tuple(layer(str(i)) for i in range(6))
    series = {name: Series(np.arange(2), np.full((2, 6), value)) for name in SERIES}
    trace = Trace(run=RUN, layers=layers, loss=np.full(120, value), total_gradient_norm=np.full(120, value),
                  step_seconds=np.full(120, 0.01), series=series)  # fmt: skip
    expect_numbers_only(trace)
