"""Write docs/diagnoses.md from the conditions' own metadata: `python -m workers.diagnosis.document >
docs/diagnoses.md`."""

import sys
from collections.abc import Iterator

from service.contract.conditions import MEASURES, REMEDIES, ConditionInfo
from service.contract.conditions.not_learning import ENOUGH_STEPS, GOOD_SKILL, MINIMAL_SKILL, STANDARD_ERRORS
from workers.diagnosis import conditions, findings, learning
from workers.diagnosis import confidence as c
from workers.diagnosis.condition import Condition
from workers.diagnosis.conditions.vanishing_gradients.depth import CERTAIN_FAILURE
from workers.probes.ledger.causes import CAUSES


def document() -> str:
    """The whole page, in Markdown."""
    ordered = sorted(conditions.CONDITIONS, key=lambda condition: (condition.reassures, condition.info.name))
    blocks = [_INTRODUCTION, *_method(), "## Conditions", *(_condition(condition) for condition in ordered),
              "## Measures", _measures(), "## Remedies", _remedies()]  # fmt: skip
    return "\n\n".join(block.strip() for block in blocks) + "\n"


_INTRODUCTION = """
# Diagnoses

*This page is generated from the code's own metadata (`python -m workers.diagnosis.document`), and a test
keeps it current. `GET /v1/catalog` serves descriptions, thresholds, look-alikes,
remedies and sources to programs.*

A finding needs two things: a **symptom**, measured inside the network, and a **consequence**, that it did
not learn. A symptom without consequence is a note at most, or a warning where the network learned poorly.
An illness and what follows from it are one finding, with the rest among its `consequences`.

| verdict | when |
|---|---|
| `unhealthy` | there is a critical finding |
| `at_risk` | there are warnings only |
| `healthy` | it learned, or its gradient is sound without training; nothing speaks against it |
| `inconclusive` | what was measured does not decide; the summary says why |
"""


def _method() -> Iterator[str]:
    yield f"""## Whether it learned

The metric on held-out data is compared with that of the best constant answer (`outcome.chance`). A
network has learned from

- accuracy: chance + the larger of {STANDARD_ERRORS.value:g} binomial standard errors, √(chance (1 -
  chance) / n) over the n held-out samples, and {MINIMAL_SKILL.value:g} (1 - chance);
- mean squared error: chance × (1 - the larger of {MINIMAL_SKILL.value:g} and 2/√n);

if it also got better: its training loss fell by {learning.PROGRESS:.0%}, or the metric is as far above
what it was before training as this limit is above chance, or it was good before
({GOOD_SKILL.value:.0%} of the way to perfect). First weights may be better than chance by luck.

`outcome.learned` is null where that cannot be told: without training (`steps: 0`); with fewer than
{ENOUGH_STEPS.value:g} steps, or a training loss that still falls (by more than
{learning.STILL_FALLING:.0%} and {learning.STILL_FALLING_ERRORS:g} standard errors from the middle third
of the run to the last, and does not only come down to where it began), if the limit is not reached yet; with
too few held-out samples for any limit; without held-out data, unless the training loss fell by
{learning.LOSS_FALL_WITHOUT_EVALUATION:.0%}."""
    yield f"""## The backward gain, and the ledger

δ_l is the gradient of the loss with respect to the output of layer l, over a batch. Its Euclidean norm is
followed along the network's *spine*, the layers that every path passes (a residual block counts as one),
from the last layer with trained parameters to the first. **Attenuation** is log10(‖δ_first‖ / ‖δ_last‖).
It does not change when the loss is scaled, and, unlike the gradients of the weights, not when the forward
signal shrinks.

The **ledger** splits it by cause, exactly, whatever the network's shape. It walks the graph of the backward
pass: where node v sends the contribution c to the gradient g_u of the tensor u below it, log(‖c‖ / ‖g_v‖) is
put down to v's operation, log(‖g_u‖ / ‖c‖) to the paths that meet in u (`skip`), and each path counts by its
share ⟨c, g_u⟩ / ‖g_u‖². The shares at a tensor sum to 1 (outside [0, 1], paths cancel each other), so that
the causes sum to log(‖g_u‖ / ‖g_loss‖) but for rounding. It is taken at the first and the last step, with
recurrences written out step by step; `layers[].backward_gain` gives it for each layer. Where the whole run is
judged, what the last step's ledger leaves of a layer's part is put down to the layer's operation; so is all
of it in networks whose graph is too large to walk. `pooling`, `dropout` and `other` are left out of the
attenuation: they share a gradient out among entries, they do not lose it.

| cause | what it stands for |
|---|---|
{_causes()}

A random network of width n and depth L fluctuates around its mean: Var log‖δ‖² = v·L/n with v = 5 for
ReLU and its relatives and 2 for smooth activations (Hanin & Nica 2020). The gradient counts as lost only
beyond {c.INTERVAL} of these standard deviations. Where training begins with gradients of exactly zero
that open at the next steps (a zero-initialised head), the median over the run is judged instead of the
first step; likewise where a gradient only vanishes during training."""
    yield f"""## Confidence

A value x with standard deviation s lies beyond its threshold t with probability logistic({c.NORMAL_SCALE}
(x - t) / s), which is the normal distribution to within 0.01. For decades, s includes
{c.THRESHOLD_UNCERTAINTY} decades for the threshold's own uncertainty. `confidence` is the product of the
probability of the symptom and that of the consequence (the held-out metric against its limit, with its
standard error), at most {c.CONFIDENCE_CEILING}: it is one run with one seed.

[Calibration](calibration.md) gives each condition's formula, and compares it with what became of the networks
of our grid.

Where it is not known whether the network learns, the probability of failure is the one foretold,
`trainability.at_best_learning_rate`: [trainability](trainability.md) shows how well it is calibrated, also
among networks whose gradient vanishes. (For a learning rate that is too small it is
`trainability.probability`; where the prediction does not see the symptom, such as in the data or the number
format, {findings.UNKNOWN:g}; so it is for gradients that vanish through time, which the grid does not have.)
Where nothing can be foretold, it comes for gradients that vanish with depth from 1510 sets of training runs
of our grid, by logistic regression on the decades V that are lost:

| optimizer | probability of failure |
|---|---|
{_priors()}

Such a finding is critical from a probability of {CERTAIN_FAILURE:g}, else a warning. These numbers were
fitted on fully connected networks on one small data set: take them as an order of magnitude elsewhere."""


def _causes() -> str:
    return "\n".join(f"| `{cause}` | {meaning} |" for cause, meaning in CAUSES.items())


def _priors() -> str:
    names = {False: "SGD", True: "Adam, AdamW, RMSprop"}
    rows = ((names[adaptive], *weights) for adaptive, weights in c.PRIOR.items())
    return "\n".join(f"| {name} | logistic({intercept:g} + {slope:g} V) |" for name, intercept, slope in rows)


def _condition(condition: Condition) -> str:
    info = condition.info
    parts = [
        f"### {info.title}\n\n`{info.name}`",
        info.description,
        f"**How it is recognised.** {info.recognised_by}",
        _thresholds(info),
        _look_alikes(info),
    ]
    if condition.explained_by and not condition.reassures:
        causes = ", ".join(f"`{name}`" for name in sorted(condition.explained_by))
        parts.append(f"**Counts as a consequence of** {causes}, if found as well.")
    if info.remedies:
        parts.append(
            f"**What can help.** {', '.join(f'[{REMEDIES[n].title}](#{_anchor(n)})' for n in info.remedies)}."
        )
    parts.append("**Sources.**\n\n" + "\n".join(f"- {source}" for source in info.sources))
    return "\n\n".join(part for part in parts if part)


def _anchor(remedy: str) -> str:
    return "".join(ch for ch in REMEDIES[remedy].title.lower().replace(" ", "-") if ch.isalnum() or ch == "-")


def _thresholds(info: ConditionInfo) -> str:
    if not info.thresholds:
        return ""
    rows = (f"| `{t.measure}` | {t.value:g} | {t.meaning} | {t.source} |" for t in info.thresholds)
    return "\n".join(["| measure | threshold | meaning | source |", "|---|---|---|---|", *rows])


def _look_alikes(info: ConditionInfo) -> str:
    if not info.look_alikes:
        return ""
    rows = (f"| {other.name} | {other.how_to_tell} |" for other in info.look_alikes)
    return "\n".join(["| easily confused with | how to tell |", "|---|---|", *rows])


def _measures() -> str:
    rows = (f"| `{m.name}` | {m.unit} | {m.description} |" for m in MEASURES.values())
    return "\n".join(["| measure | unit | what it is |", "|---|---|---|", *rows])


def _remedies() -> str:
    intro = "A finding names remedies that suit its cause. They are suggestions, not tried on it."
    blocks = []
    for remedy in REMEDIES.values():
        sources = "".join(f"\n- {source}" for source in remedy.sources)
        blocks.append(
            f"### {remedy.title}\n\n`{remedy.name}`\n\n{remedy.description}"
            + (f"\n{sources}" if sources else "")
        )
    return "\n\n".join([intro, *blocks])


if __name__ == "__main__":
    sys.stdout.write(document())
