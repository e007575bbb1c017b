"""What is found in traces that are made to have, or only to look like, an illness."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from service.contract.conditions import REMEDIES
from service.contract.diagnosis import Diagnosis, Finding
from tests.unit.diagnosis.traces import (
    AT_CHANCE,
    LEARNED,
    RUN,
    TraceBuilder,
    examined,
    failed,
    layer,
    mlp,
    recurrent_trace,
)
from workers.diagnosis import diagnose
from workers.probes.trace import Evaluation, FloatArray, Series, Trace

VANISHING = {"activation": -0.6, "linear": -0.01}
BALANCED = {"activation": -0.15, "linear": 0.15}
ADAM = replace(RUN, optimizer="adam")


def of(trace: Trace) -> Diagnosis:
    diagnosis = diagnose(trace, service_version="0.1.0")
    json.loads(diagnosis.model_dump_json(), parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    return diagnosis


def conditions(diagnosis: Diagnosis) -> dict[str, str]:
    return {finding.condition: finding.severity for finding in diagnosis.findings}


def only(diagnosis: Diagnosis, condition: str) -> Finding:
    (finding,) = (f for f in diagnosis.findings if f.condition == condition)
    return finding


def measured(finding: Finding, measure: str) -> float:
    value = next(e.value for e in finding.evidence if e.measure == measure)
    assert value is not None
    return value


def diverging(steps: int = 200, at: int = 100) -> FloatArray:
    return np.concatenate([np.geomspace(2.3, 1e9, at), np.full(steps - at, np.nan)])


def slight_loss(bottom: float, evaluation: Evaluation, loss: FloatArray | None = None) -> TraceBuilder:
    """A gradient that loses 1.8 decades, and the share of the lower half in the parameters' gradients."""
    builder = TraceBuilder(mlp(6), {"activation": -0.3}, evaluation=evaluation, loss=loss)
    norms = np.full(len(builder.layers), math.nan)
    trained = [i for i, info in enumerate(builder.layers) if info.parameters > 0]
    half = len(trained) // 2
    norms[trained] = [math.sqrt(bottom / half)] * half + [1.0] * (len(trained) - half)
    norms[trained[half:]] *= math.sqrt((1 - bottom) / (len(trained) - half))
    return replace(builder, extra={"gradient.norm": builder.series(norms)})


class TestVanishingInDepth:
    def test_a_deep_sigmoid_network_that_does_not_learn_is_critically_ill(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), VANISHING, evaluation=AT_CHANCE).build())

        assert diagnosis.verdict == "unhealthy"
        assert conditions(diagnosis) == {"vanishing_gradients": "critical"}
        finding = only(diagnosis, "vanishing_gradients")
        assert finding.axis == "depth"
        assert finding.confidence > 0.95
        assert measured(finding, "attenuation") == pytest.approx(20 * -0.61)
        assert finding.consequences == ["the network does not learn"]

    def test_the_summary_says_how_much_and_why(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), VANISHING, evaluation=AT_CHANCE).build())

        assert "10^-12.2" in diagnosis.summary
        assert "sigmoid derivatives account for 98 %" in diagnosis.summary

    def test_the_layers_named_are_those_far_from_the_loss(self) -> None:
        finding = only(
            of(TraceBuilder(mlp(8), {"activation": -0.6}, evaluation=AT_CHANCE).build()),
            "vanishing_gradients",
        )

        assert finding.layers == ["1.0", "2.0", "3.0", "4.0", "5.0"]

    def test_a_network_that_learns_all_the_same_is_not_ill(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), VANISHING, evaluation=LEARNED).build())

        assert diagnosis.verdict == "healthy"
        assert conditions(diagnosis) == {"vanishing_gradients": "note", "healthy": "note"}

    def test_a_network_that_learns_poorly_is_at_risk(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), VANISHING, evaluation=replace(LEARNED, after=0.3)).build())

        assert diagnosis.verdict == "at_risk"
        assert conditions(diagnosis) == {"vanishing_gradients": "warning"}

    def test_weights_are_named_where_they_are_the_cause(self) -> None:
        trace = TraceBuilder(
            mlp(20, "relu"), {"linear": -0.24, "activation": -0.15}, evaluation=AT_CHANCE
        ).build()
        finding = only(of(trace), "vanishing_gradients")

        assert "the weights account for 6" in finding.summary
        assert finding.remedies[0] == "initialization"

    def test_adam_is_allowed_a_weaker_gradient(self) -> None:
        gains = {"activation": -0.155}
        sgd = of(TraceBuilder(mlp(20), gains, evaluation=AT_CHANCE).build())
        adam = of(TraceBuilder(mlp(20), gains, evaluation=AT_CHANCE, run=ADAM).build())

        assert conditions(sgd)["vanishing_gradients"] == "critical"
        assert conditions(adam)["vanishing_gradients"] == "warning"

    def test_a_fluctuation_that_the_width_explains_is_no_finding(self) -> None:
        narrow = [replace(info, output_shape=(4,)) for info in mlp(20, "relu")]
        gains = {"activation": -0.13}
        wide_trace = TraceBuilder(mlp(20, "relu"), gains, evaluation=AT_CHANCE).build()
        narrow_trace = TraceBuilder(narrow, gains, evaluation=AT_CHANCE).build()

        assert "vanishing_gradients" in conditions(of(wide_trace))
        assert "vanishing_gradients" not in conditions(of(narrow_trace))

    @pytest.mark.parametrize(("bottom", "found"), [(1e-4, True), (0.3, False)])
    def test_a_slight_loss_is_a_warning_only_where_it_starves_the_lower_layers(
        self, bottom: float, found: bool
    ) -> None:
        diagnosis = of(slight_loss(bottom, AT_CHANCE).build())

        assert conditions(diagnosis).get("vanishing_gradients") == ("warning" if found else None)

    def test_a_slight_loss_is_not_blamed_for_steps_too_short_for_any_layer(self) -> None:
        trace = slight_loss(1e-4, AT_CHANCE).build()
        trace.series["update.ratio"].values[:] = 0.0
        finding = only(of(trace), "learning_rate_too_small")

        assert "change nothing at all" in finding.summary
        assert "vanishing_gradients" not in conditions(of(trace))

    def test_a_slight_loss_is_not_blamed_for_a_run_that_diverged(self) -> None:
        trace = slight_loss(1e-4, AT_CHANCE, loss=diverging()).build()

        assert "vanishing_gradients" not in conditions(of(trace))

    def test_first_layers_are_said_to_stay_as_they_were_only_where_their_updates_say_so(self) -> None:
        moving = TraceBuilder(mlp(20), VANISHING, evaluation=AT_CHANCE).build()
        still = TraceBuilder(mlp(20), VANISHING, evaluation=AT_CHANCE).build()
        still.series["update.ratio"].values[:, :20] *= 1e-6

        said = "stay as they were initialised"
        assert said not in only(of(moving), "vanishing_gradients").explanation
        assert said in only(of(still), "vanishing_gradients").explanation

    def test_confidence_falls_towards_the_threshold(self) -> None:
        found = [
            only(
                of(TraceBuilder(mlp(20), {"activation": -total / 20}, evaluation=AT_CHANCE).build()),
                "vanishing_gradients",
            )
            for total in (2.8, 3.5, 6.0)
        ]
        assert all(near.confidence <= far.confidence for near, far in pairwise(found))
        assert found[0].confidence < found[-1].confidence

    def test_zeros_by_underflow_still_count_as_vanishing(self) -> None:
        trace = TraceBuilder(mlp(50), {"activation": -1.0}, evaluation=AT_CHANCE).build()
        norms = trace.series["backpropagated.norm"].values
        norms[norms < 1e-38] = 0.0
        diagnosis = of(trace)
        finding = only(diagnosis, "vanishing_gradients")

        assert finding.severity == "critical"
        assert "exactly zero" in finding.summary
        assert diagnosis.ledger is not None
        assert diagnosis.ledger.log10_total is None

    def test_a_gradient_lost_during_training_is_found_and_said_to_be(self) -> None:
        trace = TraceBuilder(mlp(20), BALANCED, evaluation=AT_CHANCE).build()
        decay = 10.0 ** np.linspace(-10, 0, len(trace.layers))
        trace.series["backpropagated.norm"].values[1:] *= decay
        finding = only(of(trace), "vanishing_gradients")

        assert "lost during training" in finding.explanation
        assert finding.remedies[0] == "learning_rate"

    def test_averaging_pools_are_no_loss_of_gradient(self) -> None:
        layers = [info for i in range(6) for info in (
            layer(f"{i}.0", "conv2d", parameters=2000, output_shape=(32, 8, 8)),
            layer(f"{i}.1", "avg_pool", output_shape=(32, 4, 4)),
        )]  # fmt: skip
        diagnosis = of(
            TraceBuilder([*layers, layer("head")], {"avg_pool": -0.6}, evaluation=AT_CHANCE).build()
        )

        assert "vanishing_gradients" not in conditions(diagnosis)
        assert diagnosis.ledger is not None
        assert diagnosis.ledger.by_cause["other"] == pytest.approx(-3.6)


class TestLookAlikes:
    def test_a_balanced_network_that_learned_is_healthy(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20, "relu"), BALANCED).build())

        assert diagnosis.verdict == "healthy"
        assert conditions(diagnosis) == {"healthy": "note"}
        assert diagnosis.outcome.learned is True

    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6])
    def test_the_scale_of_the_loss_changes_nothing(self, scale: float) -> None:
        plain = of(TraceBuilder(mlp(20, "relu"), BALANCED).build())
        scaled = of(TraceBuilder(mlp(20, "relu"), BALANCED, scale=scale).build())

        assert scaled.verdict == plain.verdict
        assert conditions(scaled) == conditions(plain)
        assert scaled.summary == plain.summary

    def test_a_converged_network_is_told_from_a_vanishing_one(self) -> None:
        builder = TraceBuilder(mlp(3, "tanh"), loss=np.geomspace(2.3, 1e-3, 200))
        trace = builder.build()
        trace.series["backpropagated.norm"].values[:] *= np.geomspace(1, 1e-4, 20)[:, None]
        diagnosis = of(trace)

        assert diagnosis.verdict == "healthy"
        assert conditions(diagnosis)["converged"] == "note"
        assert "vanishing_gradients" not in conditions(diagnosis)

    def test_a_network_that_was_trained_before_is_converged_from_the_first_step_on(self) -> None:
        done = examined(error_level=0.0004, best_step_ratio=5.0)
        diagnosis = of(TraceBuilder(mlp(3, "tanh"), loss=np.full(200, 3e-4), examinations=done).build())

        assert diagnosis.verdict == "healthy"
        assert conditions(diagnosis)["converged"] == "note"

    def test_frozen_layers_are_left_out(self) -> None:
        layers = mlp(12)
        frozen = [replace(info, trainable=False) if i < 17 else info for i, info in enumerate(layers)]
        trace = TraceBuilder(frozen, {"activation": -0.1}).build()
        trace.series["backpropagated.norm"].values[:, :17] = np.nan
        diagnosis = of(trace)

        assert diagnosis.verdict == "healthy"
        assert measured(only(diagnosis, "healthy"), "attenuation") == pytest.approx(-0.4)

    def test_a_zero_initialised_head_is_healthy_once_it_opens(self) -> None:
        trace = TraceBuilder(mlp(10, "relu"), BALANCED).build()
        norms = trace.series["backpropagated.norm"].values
        norms[0, :-1] = 0.0
        norms[1, :-1] *= 1e-4
        diagnosis = of(trace)

        assert conditions(diagnosis) == {"healthy": "note"}
        assert measured(only(diagnosis, "healthy"), "attenuation") == pytest.approx(0.0, abs=1e-6)
        assert diagnosis.ledger is not None
        assert diagnosis.ledger.log10_total is not None

    def test_a_dead_layer_is_not_called_vanishing(self) -> None:
        layers = mlp(10, "relu")
        trace = TraceBuilder(layers, BALANCED, evaluation=AT_CHANCE).build()
        trace.series["backpropagated.norm"].values[:, :9] = 0.0
        dead = np.zeros((20, len(layers)))
        dead[:, 10] = 1.0
        trace.series["activation.dead_units"] = Series(trace.series["update.ratio"].steps, dead)  # type: ignore[index]
        diagnosis = of(trace)

        assert conditions(diagnosis) == {"dead_units": "critical"}
        assert only(diagnosis, "dead_units").layers == [layers[10].name]
        assert only(diagnosis, "dead_units").consequences == ["the network does not learn"]

    def test_too_few_steps_are_inconclusive(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20, "relu"), BALANCED, steps=20, evaluation=AT_CHANCE).build())

        assert diagnosis.verdict == "inconclusive"
        assert diagnosis.outcome.learned is None
        assert "too short" in diagnosis.summary

    def test_a_loss_that_still_falls_is_inconclusive(self) -> None:
        trace = TraceBuilder(
            mlp(20, "relu"), BALANCED, evaluation=AT_CHANCE, loss=np.linspace(2.5, 2.0, 200)
        ).build()

        assert of(trace).verdict == "inconclusive"

    @pytest.mark.parametrize(("seen", "learned"), [(0.97, False), (0.3, None), (math.nan, None)])
    def test_a_loss_that_still_falls_on_data_known_by_heart_is_not_too_short_a_run(
        self, seen: float, learned: bool | None
    ) -> None:
        evaluation = replace(AT_CHANCE, after_on_training_data=seen)
        falling = np.geomspace(2.5, 0.02, 200)
        diagnosis = of(failed(evaluation=evaluation, loss=falling).build())

        assert diagnosis.outcome.learned is learned
        assert conditions(diagnosis) == ({"overfitting": "warning"} if learned is False else {})

    def test_a_shallow_network_has_no_depth_axis_and_says_so(self) -> None:
        diagnosis = of(TraceBuilder(mlp(1), {"activation": -3.0}).build())

        assert diagnosis.verdict == "healthy"
        assert diagnosis.ledger is not None
        assert any("depth" in sentence for sentence in diagnosis.not_checked)

    def test_a_network_that_does_not_learn_is_critical_once_patience_is_no_advice(self) -> None:
        short = TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE).build()
        long = TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE, steps=1000).build()

        assert conditions(of(short)) == {"not_learning": "warning"}
        assert conditions(of(long)) == {"not_learning": "critical"}

    def test_updates_that_move_nothing_are_critical_and_said_to_be(self) -> None:
        trace = TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE).build()
        trace.series["update.ratio"].values[:] *= 1e-6
        finding = only(of(trace), "learning_rate_too_small")

        assert finding.severity == "critical"
        assert "changed the weights by at most" in finding.summary

    def test_a_network_that_memorises_is_only_warned_about(self) -> None:
        evaluation = replace(AT_CHANCE, after_on_training_data=0.99)
        finding = only(
            of(TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=evaluation).build()), "not_learning"
        )

        assert finding.severity == "warning"
        assert finding.remedies == ["check_data"]


class TestWithoutTraining:
    def test_a_vanishing_gradient_is_found_at_initialisation(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), VANISHING, steps=0, evaluation=None).build())

        assert diagnosis.verdict == "unhealthy"
        assert diagnosis.outcome.learned is None
        assert any("not trained" in sentence for sentence in diagnosis.not_checked)

    def test_a_moderate_loss_is_a_warning_since_the_outcome_is_unknown(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20), {"activation": -0.12}, steps=0).build())

        assert diagnosis.verdict == "at_risk"

    def test_a_sound_network_is_healthy_with_less_confidence(self) -> None:
        untrained = only(of(TraceBuilder(mlp(20, "relu"), BALANCED, steps=0).build()), "healthy")
        trained = only(of(TraceBuilder(mlp(20, "relu"), BALANCED).build()), "healthy")

        assert untrained.confidence < trained.confidence


class TestThroughTime:
    def test_a_plain_recurrent_network_that_forgets_is_critically_ill(self) -> None:
        diagnosis = of(recurrent_trace(-25.0, evaluation=AT_CHANCE))
        finding = only(diagnosis, "vanishing_gradients")

        assert conditions(diagnosis) == {"vanishing_gradients": "critical"}
        assert finding.axis == "time"
        assert finding.layers == ["0"]
        assert finding.remedies[0] == "lstm"
        assert diagnosis.layers[0].time_gain == pytest.approx(-25.0)

    def test_a_gated_cell_is_advised_another_forget_bias(self) -> None:
        finding = only(of(recurrent_trace(-25.0, evaluation=AT_CHANCE, cell="lstm")), "vanishing_gradients")

        assert finding.remedies == ["forget_bias"]

    def test_a_jump_at_the_last_step_alone_is_no_loss_through_time(self) -> None:
        diagnosis = of(recurrent_trace(-9.0, within=-0.5, evaluation=AT_CHANCE))

        assert "vanishing_gradients" not in conditions(diagnosis)

    def test_a_recurrent_network_that_learns_all_the_same_is_healthy(self) -> None:
        assert of(recurrent_trace(-25.0)).verdict == "healthy"

    def test_an_explosion_through_time_is_found_when_training_diverges(self) -> None:
        finding = only(
            of(recurrent_trace(25.0, evaluation=AT_CHANCE, loss=diverging())), "exploding_gradients"
        )

        assert finding.axis == "time"
        assert finding.severity == "critical"


class TestExplosionAndDivergence:
    def test_an_explosion_that_ends_in_nan_is_one_finding(self) -> None:
        gains = {"activation": -0.15, "linear": 0.5}
        diagnosis = of(TraceBuilder(mlp(20, "relu"), gains, evaluation=AT_CHANCE, loss=diverging()).build())

        assert conditions(diagnosis) == {"exploding_gradients": "critical"}
        finding = only(diagnosis, "exploding_gradients")
        assert finding.axis == "depth"
        assert "training becomes unstable" in finding.consequences
        assert len(finding.consequences) == 3

    def test_growth_with_depth_in_a_network_that_learns_is_no_finding(self) -> None:
        diagnosis = of(TraceBuilder(mlp(20, "relu"), {"linear": 0.2}).build())

        assert conditions(diagnosis) == {"healthy": "note"}

    def test_a_gradient_that_grows_from_step_to_step_is_an_explosion_without_axis(self) -> None:
        trace = TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE).build()
        trace.total_gradient_norm[:100] = np.geomspace(1, 1e12, 100)
        finding = only(of(trace), "exploding_gradients")

        assert finding.axis is None
        assert finding.remedies[0] == "learning_rate"

    def test_where_the_loss_climbs_away_with_it_that_is_the_finding(self) -> None:
        trace = TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE, loss=diverging()).build()
        trace.total_gradient_norm[:100] = np.geomspace(1, 1e12, 100)
        trace.total_gradient_norm[100:] = np.nan

        assert "the gradient explodes" in only(of(trace), "unstable_training").consequences

    def test_the_first_loss_is_the_one_before_the_first_update(self) -> None:
        loss = np.concatenate([[2.3], np.full(9, 1e28), np.geomspace(1e28, 1e6, 190)])
        diagnosis = of(TraceBuilder(mlp(5, "relu"), BALANCED, evaluation=AT_CHANCE, loss=loss).build())

        assert diagnosis.outcome.loss_first == 2.3
        assert diagnosis.verdict == "unhealthy"
        ratio = measured(diagnosis.findings[0], "loss_ratio")
        assert ratio > 1e5, "it ended far above where it began"

    def test_a_run_that_diverged_is_no_explosion_in_depth_where_its_first_step_was_sound(self) -> None:
        trace = TraceBuilder(mlp(6, "relu"), BALANCED, evaluation=AT_CHANCE, loss=diverging()).build()
        trace.series["backpropagated.norm"].values[1:] *= np.geomspace(1e9, 1, len(trace.layers))
        trace.total_gradient_norm[1:] = 1e12
        diagnosis = of(trace)

        assert "the gradient explodes" in only(diagnosis, "unstable_training").consequences
        assert diagnosis.ledger is not None
        assert diagnosis.ledger.log10_total == pytest.approx(0.0, abs=1e-6)

    def test_an_explosion_in_depth_that_comes_with_training_is_in_the_ledger(self) -> None:
        trace = TraceBuilder(mlp(6, "relu"), BALANCED, evaluation=AT_CHANCE).build()
        trace.series["backpropagated.norm"].values[1:] *= np.geomspace(1e9, 1, len(trace.layers))
        diagnosis = of(trace)
        finding = only(diagnosis, "exploding_gradients")

        assert finding.axis == "depth"
        assert diagnosis.ledger is not None
        assert measured(finding, "attenuation") == pytest.approx(diagnosis.ledger.log10_total, rel=1e-5)

    def test_nan_without_an_explosion_names_where_it_began(self) -> None:
        layers = mlp(5, "relu")
        loss = np.concatenate([np.full(50, 2.3), np.full(150, np.nan)])
        trace = TraceBuilder(layers, BALANCED, evaluation=AT_CHANCE, loss=loss).build()
        share = np.zeros((20, len(layers)))
        share[6:, 3:] = 0.25
        steps = trace.series["update.ratio"].steps
        trace.series["activation.non_finite"] = Series(steps, share)  # type: ignore[index]
        diagnosis = of(trace)
        finding = only(diagnosis, "non_finite")

        assert diagnosis.verdict == "unhealthy"
        assert conditions(diagnosis) == {"non_finite": "critical"}
        assert finding.layers == [layers[3].name]
        assert "step 50" in finding.summary
        assert diagnosis.outcome.learned is False
        assert diagnosis.outcome.loss_last is None

    def test_skipped_steps_of_scaled_float16_are_no_finding(self) -> None:
        trace = TraceBuilder(mlp(5, "relu"), BALANCED, run=replace(RUN, precision="float16")).build()
        overflow = np.zeros((20, len(trace.layers)))
        overflow[2, 3] = 1.0
        trace.series["gradient.non_finite"] = Series(trace.series["update.ratio"].steps, overflow)  # type: ignore[index]

        assert of(trace).verdict == "healthy"


class TestLearned:
    @pytest.mark.parametrize(
        ("after", "samples", "learned"),
        [(0.20, 360, True), (0.13, 360, False), (0.30, 30, True), (0.20, 30, False), (math.nan, 360, False)],
    )
    def test_accuracy_needs_a_margin_that_shrinks_with_the_samples(
        self, after: float, samples: int, learned: bool
    ) -> None:
        evaluation = replace(AT_CHANCE, after=after, samples=samples)
        assert of(TraceBuilder(mlp(5), BALANCED, evaluation=evaluation).build()).outcome.learned is learned

    @pytest.mark.parametrize(("after", "learned"), [(0.10, True), (0.162, False), (0.5, False)])
    def test_an_error_has_to_fall_clearly_below_chance(self, after: float, learned: bool) -> None:
        evaluation = Evaluation("mean_squared_error", 0.9, after, after, 0.167, 1000)
        trace = TraceBuilder(mlp(5), BALANCED, evaluation=evaluation).build()

        assert of(trace).outcome.learned is learned

    def test_so_few_samples_that_chance_reaches_everything_leave_it_open(self) -> None:
        evaluation = replace(AT_CHANCE, chance=0.6, samples=4)
        assert of(TraceBuilder(mlp(5), BALANCED, evaluation=evaluation).build()).outcome.learned is None

    def test_first_weights_that_are_better_than_chance_by_luck_have_learned_nothing(self) -> None:
        lucky = replace(LEARNED, before=0.4, after=0.4)
        still = TraceBuilder(mlp(3), BALANCED, evaluation=lucky, loss=np.full(200, 2.3)).build()
        fell = TraceBuilder(mlp(3), BALANCED, evaluation=lucky, loss=np.linspace(2.3, 1.5, 200)).build()

        assert of(still).outcome.learned is False
        assert of(fell).outcome.learned is True

    def test_a_network_that_was_good_before_need_not_become_better(self) -> None:
        good = replace(LEARNED, before=0.95, after=0.95)
        trace = TraceBuilder(mlp(3), BALANCED, evaluation=good, loss=np.full(200, 0.1)).build()

        assert of(trace).outcome.learned is True


class TestLedger:
    @pytest.mark.parametrize("seed", range(5))
    def test_its_parts_sum_to_the_change_between_first_and_last_layer(self, seed: int) -> None:
        layers = [
            layer("in"),
            *mlp(10),
            layer("r", "residual"),
            layer("n", "batch_norm", parameters=128),
            layer("out"),
        ]
        trace = TraceBuilder(layers).build()
        norms = trace.series["backpropagated.norm"].values
        norms[:] = np.random.default_rng(seed).lognormal(0, 5, norms.shape)
        ledger = of(trace).ledger

        assert ledger is not None
        assert ledger.log10_total is not None
        assert math.fsum(ledger.by_cause.values()) == pytest.approx(ledger.log10_total, abs=1e-9)
        expected = {math.log10(row[0] / row[-1]) for row in norms[:1]} | {
            float(np.sort(np.log10(norms[:, 0]))[9] - np.sort(np.log10(norms[:, -1]))[9])
        }
        assert any(ledger.log10_total == pytest.approx(value) for value in expected)

    def test_its_numbers_are_rounded_and_still_sum_up(self) -> None:
        gains = {"activation": -1 / 3, "linear": -1 / 7}
        ledger = of(TraceBuilder(mlp(20), gains, evaluation=AT_CHANCE).build()).ledger

        assert ledger is not None
        assert ledger.log10_total is not None
        numbers = [ledger.log10_total, *ledger.by_cause.values()]
        assert numbers == [round(number, 8) for number in numbers]
        assert math.fsum(ledger.by_cause.values()) == pytest.approx(ledger.log10_total, abs=1e-9)

    def test_a_residual_block_is_put_down_to_the_skip(self) -> None:
        layers = [layer("in")]
        for i in range(5):
            layers += [layer(f"{i}.a", on_spine=False), layer(f"{i}", "residual", parameters=0)]
        ledger = of(TraceBuilder([*layers, layer("out")], {"residual": 0.1, "linear": 5.0}).build()).ledger

        assert ledger is not None
        assert ledger.by_cause["skip"] != 0.0


def test_every_remedy_that_is_named_is_in_the_catalog() -> None:
    traces = [
        TraceBuilder(mlp(20, f), gains, evaluation=AT_CHANCE).build()
        for f in ("sigmoid", "tanh", "relu")
        for gains in (VANISHING, {"linear": -0.5}, {"linear": 0.5}, BALANCED)
    ]  # fmt: skip
    named = {name for trace in traces for finding in of(trace).findings for name in finding.remedies}
    assert named
    assert named <= set(REMEDIES)


def test_each_layer_is_reported_with_its_last_measurement() -> None:
    builder = TraceBuilder(mlp(3), VANISHING)
    rows = np.arange(20.0)[:, None] * np.ones(len(builder.layers))
    builder.extra = {
        "weight.norm": Series(builder.probed(), rows),
        "backward.gain": Series(builder.probed(), rows + 1),
    }
    report = of(builder.build()).layers[1]

    assert report.weight is not None
    assert report.weight.norm == 19.0
    assert report.weight.mean is None
    assert report.update_ratio == 1e-3
    assert report.backward_gain is not None
    assert report.backward_gain.total == pytest.approx(math.factorial(20) ** (1 / 20), rel=1e-5)
    assert report.backward_gain.by_cause == {"weights": report.backward_gain.total}


def test_the_same_trace_gives_the_same_diagnosis() -> None:
    trace = TraceBuilder(mlp(20), VANISHING, evaluation=AT_CHANCE).build()
    assert of(trace) == of(trace)
