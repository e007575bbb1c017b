"""The exact ledger in the diagnosis: its parts instead of one cause per layer."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.contract.diagnosis import Diagnosis
from tests.unit.diagnosis.traces import AT_CHANCE, TraceBuilder, layer, mlp
from workers.diagnosis import diagnose
from workers.probes.ledger.causes import CAUSES
from workers.probes.ledger.measured import LedgerTrace
from workers.probes.trace import LayerInfo, Trace

Parts = dict[str, float]


def with_ledger(trace: Trace, inside: dict[str, Parts], *, steps: tuple[int, ...] = (0, 199)) -> Trace:
    """`inside`: for layers by op, the decades that each cause adds within; the loss adds -1."""
    causes = tuple(CAUSES)
    outputs = np.zeros((len(trace.layers), len(causes)))
    inputs = np.zeros_like(outputs)
    above = np.zeros(len(causes))
    above[causes.index("loss")] = -1.0
    for index in reversed(range(len(trace.layers))):
        outputs[index] = above
        for cause, part in inside.get(trace.layers[index].op, {}).items():
            above[causes.index(cause)] += part
        inputs[index] = above
    ledger = LedgerTrace(
        steps=np.array(steps), causes=causes,
        log_norms=np.tile(outputs.sum(axis=1), (len(steps), 1)),
        outputs=np.tile(outputs, (len(steps), 1, 1)), inputs=np.tile(inputs, (len(steps), 1, 1)),
        shares=np.full((len(steps), len(trace.layers), 2), np.nan),
        parameter_names=(), parameters=np.empty((len(steps), 0, len(causes))), zeros=(),
        unseen=np.zeros(len(steps)),
    )  # fmt: skip
    return replace(trace, ledger=ledger)


def blocks(depth: int) -> list[LayerInfo]:
    return [layer("in"), *(layer(str(i), "residual", parameters=4160) for i in range(depth)), layer("out")]


def of(trace: Trace) -> Diagnosis:
    return diagnose(trace, service_version="test")


INSIDE = {"residual": {"weights": -0.5, "activation": -0.75, "skip": 0.25}, "linear": {"weights": 0.1}}


def test_a_residual_network_shows_its_causes_apart() -> None:
    builder = TraceBuilder(blocks(6), {"residual": -1.0, "linear": 0.1}, evaluation=AT_CHANCE)
    diagnosis = of(with_ledger(builder.build(), INSIDE))

    assert diagnosis.ledger is not None
    parts = {cause: part for cause, part in diagnosis.ledger.by_cause.items() if part}
    assert parts == pytest.approx({"weights": -2.9, "activation": -4.5, "skip": 1.5})
    assert diagnosis.ledger.log10_total == pytest.approx(-5.9)
    assert "activation derivatives account for" in diagnosis.findings[0].summary


def test_the_loss_itself_is_not_on_the_way_between_layers() -> None:
    diagnosis = of(with_ledger(TraceBuilder(blocks(6), {"residual": -1.0}).build(), INSIDE))

    assert diagnosis.ledger is not None
    assert diagnosis.ledger.by_cause["loss"] == 0.0


def test_the_factors_of_a_layer_multiply_to_its_gain() -> None:
    diagnosis = of(with_ledger(TraceBuilder(blocks(6), {"residual": -1.0}).build(), INSIDE))
    gain = diagnosis.layers[1].backward_gain

    assert gain is not None
    assert gain.by_cause == pytest.approx({"weights": 10**-0.5, "activation": 10**-0.75, "skip": 10**0.25})
    assert math.prod(gain.by_cause.values()) == pytest.approx(gain.total, rel=1e-5)


def test_a_layer_that_changes_nothing_has_no_factors() -> None:
    layers = [*mlp(5)[:2], layer("reshape", "flatten"), *mlp(5)[2:]]
    gain = of(with_ledger(TraceBuilder(layers).build(), INSIDE)).layers[2].backward_gain

    assert gain is not None
    assert (gain.total, gain.by_cause) == (1.0, {})


def test_pooling_inside_and_outside_of_blocks_is_no_loss() -> None:
    pooled = {"residual": {"pooling": -3.0, "other": -1.0, "dropout": -0.5}, "linear": {"weights": 0.1}}
    builder = TraceBuilder(blocks(6), {"residual": -4.5, "linear": 0.1}, evaluation=AT_CHANCE)

    conditions = [finding.condition for finding in of(with_ledger(builder.build(), pooled)).findings]
    assert "vanishing_gradients" not in conditions


def test_a_ledger_of_another_step_is_not_taken_for_the_judged_one() -> None:
    builder = TraceBuilder(blocks(6), {"residual": -1.0, "linear": 0.1})
    diagnosis = of(with_ledger(builder.build(), INSIDE, steps=(7,)))

    assert diagnosis.ledger is not None
    assert diagnosis.ledger.by_cause["skip"] == pytest.approx(-6.0)


def test_a_gradient_that_is_lost_in_training_has_the_plain_split() -> None:
    trace = TraceBuilder(mlp(12), {"activation": 0.0}, evaluation=AT_CHANCE).build()
    norms = trace.series["backpropagated.norm"]
    gone = TraceBuilder(mlp(12), {"activation": -1.0}).log_norms()
    values = np.array(norms.values)
    values[1:] = 10.0**gone
    changed = replace(trace, series={**trace.series, "backpropagated.norm": norms._replace(values=values)})
    diagnosis = of(with_ledger(changed, {}))

    assert diagnosis.ledger is not None
    assert diagnosis.ledger.by_cause["activation"] == pytest.approx(-12.0)


NUMBERS = st.sampled_from([0.0, -0.0, -7.5, 1e308, -1e308, float("nan"), float("inf"), float("-inf")])


@settings(max_examples=50, deadline=None)
@given(st.lists(NUMBERS, min_size=160, max_size=160), st.sampled_from([(0,), (0, 199), (3,)]))
def test_any_ledger_has_a_diagnosis(numbers: list[float], steps: tuple[int, ...]) -> None:
    trace = with_ledger(TraceBuilder(blocks(6), {"residual": -1.0}).build(), INSIDE, steps=steps)
    assert trace.ledger is not None
    outputs, inputs = np.array(numbers).reshape(2, 8, 10).repeat(len(steps), axis=0).reshape(2, -1, 8, 10)
    diagnosis = of(replace(trace, ledger=replace(trace.ledger, outputs=outputs, inputs=inputs)))

    assert diagnosis.ledger is not None
    assert sum(diagnosis.ledger.by_cause.values()) == pytest.approx(diagnosis.ledger.log10_total, abs=1e-6)
    assert "NaN" not in diagnosis.model_dump_json()


@pytest.mark.parametrize("depth", [0, 1])
def test_a_network_too_shallow_for_a_depth_axis_has_one_too(depth: int) -> None:
    trace = with_ledger(TraceBuilder(mlp(depth), {"activation": -0.5, "linear": 0.1}).build(), {
        "activation": {"activation": -0.5}, "linear": {"weights": 0.1},
    })  # fmt: skip
    diagnosis = of(trace)

    assert diagnosis.ledger is not None
    assert diagnosis.ledger.log10_total == pytest.approx(-0.4 * depth)
    assert diagnosis.ledger.by_cause["activation"] == pytest.approx(-0.5 * depth)
