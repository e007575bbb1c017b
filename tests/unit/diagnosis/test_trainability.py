"""The prediction from a trace: monotone where theory says so, honest where something was not measured."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.diagnosis.traces import TraceBuilder, layer, mlp, recurrent_trace
from workers.diagnosis.arithmetic import logistic
from workers.diagnosis.trainability import assess_trainability
from workers.diagnosis.trainability.assess import predict, stage_of
from workers.diagnosis.trainability.features import ENSEMBLES, FEATURES, STAGES
from workers.diagnosis.trainability.trees import fitted
from workers.probes.trace import Series, Trace

ARTICLE = {
    "attenuation": 12.0, "amplification": 0.0, "rank_ratio": 0.9, "depth": math.log2(20), "adaptive": 0.0,
    "activation_gain": -0.65, "output_scale": -6.0, "feature_scale": -0.3, "typical_update": -7.2,
    "smallest_update": -8.0,
}  # fmt: skip
"""Twenty sigmoid layers."""
HEALTHY = {
    "attenuation": 0.0, "amplification": 0.6, "rank_ratio": 0.6, "depth": math.log2(10), "adaptive": 0.0,
    "activation_gain": -0.06, "output_scale": 0.1, "feature_scale": 0.0, "typical_update": -1.4,
    "smallest_update": -1.8, "loss_ratio_10": -0.6, "loss_10": -0.5, "loss_ratio_30": -1.6, "loss_30": -1.5,
}  # fmt: skip
"""A residual network that learns."""


def vector() -> st.SearchStrategy[dict[str, float]]:
    """Any values, NaN, infinity and absence included."""
    return st.fixed_dictionaries({}, optional={name: st.floats(width=32) for name in FEATURES})


@settings(max_examples=150, deadline=None)
@given(values=vector(), stage=st.sampled_from(STAGES))
def test_a_prediction_is_a_probability_whatever_was_measured(values: dict[str, float], stage: int) -> None:
    answer = predict(values, stage)

    for probability in (answer.probability, answer.at_best_learning_rate):
        assert probability is not None
        assert 0.0 < probability < 1.0
    assert all(math.isfinite(driver.log_odds) for driver in answer.drivers)
    assert answer == predict(values, stage)


def directed() -> Iterator[tuple[str, str, int]]:
    for ensemble, names in ENSEMBLES.items():
        for name in names:
            if FEATURES[name].direction:
                yield ensemble, name, FEATURES[name].direction


@pytest.mark.parametrize(("ensemble", "name", "direction"), list(directed()))
def test_the_probability_moves_only_as_theory_says(ensemble: str, name: str, direction: int) -> None:
    model, feature = fitted()[ensemble], FEATURES[name]
    generator = np.random.default_rng(0)
    position = model.features.index(name)
    for _ in range(20):
        values = [generator.uniform(FEATURES[n].low, FEATURES[n].high) for n in model.features]
        ladder = []
        for value in np.linspace(feature.low, feature.high, 25):
            values[position] = float(value)
            ladder.append(direction * model.predict(values).probability)
        assert (np.diff(ladder) >= -1e-3).all()  # rounded leaves


@pytest.mark.parametrize("ensemble", list(ENSEMBLES))
def test_contributions_sum_to_the_log_odds(ensemble: str) -> None:
    model = fitted()[ensemble]
    for values in ([HEALTHY[name] for name in model.features], [math.nan] * len(model.features)):
        prediction = model.predict(values)
        total = prediction.base + math.fsum(prediction.contributions.values())
        assert logistic(total) == pytest.approx(prediction.probability, abs=1e-12)


def test_what_is_not_known_contributes_nothing_and_is_named() -> None:
    known = predict(ARTICLE, 0)
    unknown = predict({k: v for k, v in ARTICLE.items() if k != "rank_ratio"}, 0)

    assert known.not_known == []
    assert known.reason is None
    assert unknown.not_known == ["rank_ratio"]
    assert unknown.reason is not None
    assert "rank_ratio" in unknown.reason
    assert "rank_ratio" not in [driver.feature for driver in unknown.drivers]


def test_the_article_network_fails_and_a_healthy_one_does_not() -> None:
    assert (predict(ARTICLE, 0).probability or 0) > 0.95
    assert (predict(ARTICLE, 0).at_best_learning_rate or 0) > 0.95
    assert (predict(HEALTHY, 30).probability or 1) < 0.1
    assert (predict(HEALTHY, 30).at_best_learning_rate or 1) < 0.1
    assert "attenuation" in [driver.feature for driver in predict(ARTICLE, 0).drivers]


def test_the_article_network_fails_even_where_less_was_measured() -> None:
    less = {k: v for k, v in ARTICLE.items() if k not in {"rank_ratio", "output_scale"}}

    assert (predict(less, 0).probability or 0) > 0.95


def by_hand(gain: float, **changes: object) -> Trace:
    """Twenty layers of which each changes the gradient by so many decades."""
    return TraceBuilder(mlp(20), gains={"activation": gain}, **changes).build()  # type: ignore[arg-type]


def test_more_attenuation_is_never_less_alarming() -> None:
    probabilities = [
        assess_trainability(by_hand(-g, steps=1)).probability for g in (0.0, 0.02, 0.1, 0.3, 0.6)
    ]

    assert None not in probabilities
    assert probabilities == sorted(probabilities, key=lambda p: p or 0.0)
    assert (probabilities[-1] or 0) > (probabilities[0] or 0) + 0.3


def test_scaling_the_loss_and_the_learning_rate_changes_nothing() -> None:
    trace = by_hand(-0.1, steps=5)
    scaled = by_hand(-0.1, steps=5, scale=1e-6)
    scaled = replace(scaled, run=replace(scaled.run, learning_rate=scaled.run.learning_rate * 1e6))

    assert assess_trainability(scaled).probability == pytest.approx(assess_trainability(trace).probability)


@pytest.mark.parametrize(
    ("steps", "stage"), [(0, 0), (1, 0), (9, 0), (10, 10), (29, 10), (30, 30), (500, 30)]
)
def test_only_losses_of_steps_that_were_made_are_used(steps: int, stage: int) -> None:
    assert assess_trainability(by_hand(-0.1, steps=steps)).steps_seen == stage


def test_what_happens_after_thirty_steps_is_not_looked_at() -> None:
    trace = by_hand(-0.05)
    later = replace(trace, loss=np.concatenate([trace.loss[:30], np.full(170, 99.0)]))

    assert assess_trainability(later) == assess_trainability(trace)


def test_a_run_that_diverges_at_once_is_foretold_to_fail() -> None:
    trace = by_hand(0.0, loss=np.array([2.3, 50.0, np.inf]))

    assert stage_of(trace) == 30
    assert (assess_trainability(trace).probability or 0) > 0.9


NOT_FINITE = Series(np.array([0]), np.full((1, 8), np.nan))


@pytest.mark.parametrize(
    ("trace", "word"),
    [
        (recurrent_trace(-10.0), "recurrent"),
        (TraceBuilder([layer("0"), layer("1", "activation", function="relu")]).build(), "depth"),
        (TraceBuilder(mlp(3), extra={"backpropagated.norm": NOT_FINITE}).build(), "gradient"),
    ],
    ids=["recurrent", "shallow", "not measured"],
)  # fmt: skip
def test_where_it_cannot_be_foretold_it_says_why(trace: Trace, word: str) -> None:
    answer = assess_trainability(trace)

    assert answer.probability is None
    assert answer.at_best_learning_rate is None
    assert word in (answer.reason or "")


def zero_first(weight: float) -> Trace:
    """No gradient at the first step but at the output; the head's weights have this norm."""
    layers = mlp(3)
    norms = np.ones((2, len(layers)))
    norms[0, :-1] = 0.0
    weights = np.where([info.parameters > 0 for info in layers], 8.0, np.nan)[None, :].repeat(2, axis=0)
    weights[0, -1] = weight
    steps = np.array([0, 1])
    extra = {"backpropagated.norm": Series(steps, norms), "weight.norm": Series(steps, weights)}
    return TraceBuilder(layers, extra=extra, steps=2).build()


def test_a_zero_initialised_head_is_judged_once_it_has_opened() -> None:
    assert (assess_trainability(zero_first(0.0)).probability or 1) < 0.9
    at_first = zero_first(0.0)
    closed = {name: Series(s.steps[:1], s.values[:1]) for name, s in at_first.series.items()}

    assert assess_trainability(replace(at_first, series=closed)).probability is None


def test_an_old_trace_without_most_series_still_gets_an_answer() -> None:
    trace = by_hand(-0.5)
    series = {"backpropagated.norm": trace.series["backpropagated.norm"]}
    answer = assess_trainability(replace(trace, series=series))

    assert answer.probability is not None
    assert {"rank_ratio", "typical_update", "output_scale"} <= set(answer.not_known)
