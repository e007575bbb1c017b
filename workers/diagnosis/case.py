"""A case: one Trace with everything that conditions derive from it, each computed once and only when
asked for."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from service.contract.conditions import MEASURES
from service.contract.conditions.exploding_gradients import ATTENUATION as GROWTH
from service.contract.conditions.not_learning import GOOD_SKILL
from service.contract.conditions.uninformative_data import OVERFIT_RATIO
from service.contract.conditions.vanishing_gradients import (
    ATTENUATION_ADAPTIVE,
    ATTENUATION_SGD,
    TIME_GAIN_ADAPTIVE,
    TIME_GAIN_SGD,
)
from service.contract.diagnosis import Evidence, Trainability
from workers.diagnosis.arithmetic import finite, median
from workers.diagnosis.confidence import INTERVAL
from workers.diagnosis.depth import DepthProfile, DepthProfiles, depth_profiles
from workers.diagnosis.learning import Learning, assess_learning
from workers.diagnosis.stability import loss_rebound
from workers.diagnosis.through_time import TimeGains, time_gains
from workers.diagnosis.trainability import assess_trainability
from workers.probes.trace import FloatArray, Trace

ADAPTIVE_OPTIMIZERS = frozenset({"adam", "adamw", "rmsprop"})
"""Optimizers that rescale each parameter's step, and so tolerate a weaker gradient."""

EVEN = 0.5
"""Probability of failure under which a network's beginning speaks for it."""

Harm = Literal["failed", "poor", "none", "unknown"]
"""What became of the training: it did not learn, learned poorly, learned well, or that is not known."""


@dataclass(frozen=True)
class Case:
    """A trace under examination."""

    trace: Trace

    @cached_property
    def learning(self) -> Learning:
        """Whether it learned."""
        return assess_learning(self.trace)

    @cached_property
    def trainability(self) -> Trainability:
        """What its beginning foretold."""
        return assess_trainability(self.trace)

    @cached_property
    def spine(self) -> DepthProfiles | None:
        """The gradient along the spine; None where it was not measured."""
        return depth_profiles(self.trace)

    @property
    def depth(self) -> DepthProfiles | None:
        """The same; None where there is no depth axis."""
        return self.spine if self.spine is not None and self.spine.deep else None

    @cached_property
    def judged_depth(self) -> DepthProfile | None:
        """The initial profile, or the run's if the gradient only vanishes or explodes during training.

        A run that diverged is judged by its beginning.
        """
        if self.depth is None:
            return None
        initial, run = self.depth.initial, self.depth.run
        vanished = initial.surely_lost <= self.vanishing_limit < run.surely_lost
        emerged = vanished or (run.surely_gained > GROWTH.value >= initial.surely_gained)
        return run if emerged and self.learning.judgement != "diverged" else initial

    @cached_property
    def time(self) -> dict[str, TimeGains]:
        """The gradient through time, for each recurrent layer."""
        return time_gains(self.trace)

    @property
    def adaptive(self) -> bool:
        """Whether the optimizer rescales each parameter's step."""
        return self.trace.run.optimizer in ADAPTIVE_OPTIMIZERS

    @property
    def vanishing_limit(self) -> float:
        """Decades of loss in depth from which the gradient has vanished for this optimizer; positive."""
        return -(ATTENUATION_ADAPTIVE if self.adaptive else ATTENUATION_SGD).value

    @property
    def time_limit(self) -> float:
        """The same for time; positive."""
        return -(TIME_GAIN_ADAPTIVE if self.adaptive else TIME_GAIN_SGD).value

    @cached_property
    def harm(self) -> Harm:
        """The consequence that a symptom needs."""
        if self.learning.learned is None:
            return "unknown"
        if self.learning.learned is False:
            return "failed"
        return "poor" if self.learning.skill < GOOD_SKILL.value else "none"

    @cached_property
    def gradient_passes(self) -> bool:
        """Whether the gradient neither vanishes nor explodes with depth or time at the first step that tells.

        Where that was not measured, nothing speaks against it.
        """
        depth = self.depth.initial if self.depth is not None else None
        if depth is not None and (
            depth.surely_lost > self.vanishing_limit or depth.surely_gained > GROWTH.value
        ):
            return False
        return not any(
            abs(g.initial.gain) - INTERVAL * g.initial.deviation > self.time_limit for g in self.time.values()
        )

    def examined_first(self, quantity: str) -> float:
        """A quantity of the examination before training; NaN where there is none."""
        return next((getattr(e, quantity) for e in self.trace.examinations if e.step == 0), math.nan)

    def examined_last(self, quantity: str) -> float:
        """A quantity of the last examination in which it is known; NaN where there is none."""
        values = [float(getattr(e, quantity)) for e in self.trace.examinations]
        return next((value for value in reversed(values) if math.isfinite(value)), math.nan)

    @cached_property
    def fits_a_batch(self) -> bool | None:
        """Whether a copy of the network, as it was before training, learns 32 samples by heart; None where
        not tried."""
        ratio = self.examined_first("overfit_ratio")
        return ratio < OVERFIT_RATIO.value if math.isfinite(ratio) else None

    @property
    def can_learn(self) -> bool:
        """Whether the copy that learned 32 samples by heart, or the network's beginning, speaks for it. Sixty
        steps of the copy are few for some: that they did not suffice says nothing against it."""
        foretold = self.trainability.at_best_learning_rate
        return self.fits_a_batch is True or (foretold is not None and foretold < EVEN)

    @cached_property
    def loss_rebound(self) -> float:
        """Largest rise of the smoothed loss above its own earlier minimum, over the first loss."""
        return loss_rebound(self.trace.loss)

    def values(self, series: str) -> FloatArray:
        """(probed steps, layers) of a series; no rows if it was not measured."""
        found = self.trace.series.get(series)
        return found.values if found is not None else np.empty((0, len(self.trace.layers)))

    def of_layer(self, series: str, index: int) -> FloatArray:
        """(probed steps,) of a series at one layer, without what is not finite."""
        column = self.values(series)[:, index]
        return column[np.isfinite(column)]

    @cached_property
    def bottom_half_share(self) -> float:
        """Share of the squared parameter gradients in the lower half of the layers; NaN where not
        measured."""
        norms = self.values("gradient.norm")
        known = np.flatnonzero(np.isfinite(norms).any(axis=0))
        rows = norms[:, known][np.isfinite(norms[:, known]).all(axis=1)]
        if len(known) < 2 or not len(rows):
            return math.nan
        largest = rows.max(axis=1, keepdims=True)
        squares = (rows / np.where(largest > 0, largest, 1.0)) ** 2
        shares = squares[:, : len(known) // 2].sum(axis=1) / np.where(
            largest[:, 0] > 0, squares.sum(axis=1), np.nan
        )
        return median(shares)

    @cached_property
    def error_signal_ratio(self) -> float:
        """Norm of the gradient at the network's output: median of the last measured steps over the first."""
        norms = self.values("backpropagated.norm")
        spine = [
            i for i, layer in enumerate(self.trace.layers) if layer.on_spine and self._measured(norms, i)
        ]
        if not spine:
            return math.nan
        output = norms[:, spine[-1]]
        output = output[np.isfinite(output)]
        window = max(1, min(5, len(output) // 4))
        first = median(output[:window])
        return median(output[-window:]) / first if first > 0 else math.nan

    @cached_property
    def gradient_growth(self) -> float:
        """log10 of the largest finite norm of all parameter gradients over the first one; NaN if there
        is none."""
        norms = self.trace.total_gradient_norm
        positive = norms[np.isfinite(norms) & (norms > 0)]
        return math.log10(positive.max()) - math.log10(positive[0]) if positive.size else math.nan

    @cached_property
    def update_ratio(self) -> float:
        """Median over layers and steps of ‖change‖ / ‖parameters‖; NaN where not measured."""
        ratios = self.values("update.ratio")
        return median(ratios[np.isfinite(ratios)])

    @cached_property
    def path(self) -> float:
        """Steps made times the median update ratio, and no less than the longest step: how far the layers
        came, if all steps went one way. NaN where not measured."""
        ratios = self.values("update.ratio")
        steps = [median(row[np.isfinite(row)]) for row in ratios if np.isfinite(row).any()]
        return max(self.learning.steps * self.update_ratio, *steps) if steps else math.nan

    @cached_property
    def clipped_to(self) -> float:
        """What clipping leaves of the gradient's norm, median over the steps; NaN without clipping."""
        clip = self.trace.run.clip_grad_norm
        norms = self.trace.total_gradient_norm
        norms = norms[np.isfinite(norms)]
        return median(np.minimum(1.0, clip / np.maximum(norms, clip))) if clip and norms.size else math.nan

    @property
    def step_headroom(self) -> float:
        """log10 of the best step over what momentum makes of the learning rate; NaN where not measured.

        Momentum m adds a gradient up over 1 / (1 - m) steps (Goodfellow et al. 2016, section 8.3.2).
        """
        momentum = self.trace.run.momentum or 0.0
        return self.examined_last("best_step_ratio") + math.log10(1 - momentum)

    def metric_evidence(self) -> list[Evidence]:
        """The held-out metric against the value from which it shows learning."""
        evaluation = self.trace.evaluation
        if evaluation is None or self.learning.judgement == "not_trained":
            return []
        measure = "held_out_accuracy" if evaluation.metric == "accuracy" else "held_out_error"
        return [evidence(measure, evaluation.after, self.learning.limit)]

    @staticmethod
    def _measured(norms: FloatArray, index: int) -> bool:
        return bool(np.isfinite(norms[:, index]).any())


def evidence(
    measure: str,
    value: float | None,
    threshold: float | None = None,
    *,
    layer: str | None = None,
    step: int | None = None,
) -> Evidence:
    """Evidence in a catalogued measure, with its unit. Raises KeyError for a measure that is not in the
    catalog."""
    unit = MEASURES[measure].unit
    return Evidence(
        measure=measure, value=finite(value), threshold=finite(threshold), unit=unit, layer=layer, step=step
    )
