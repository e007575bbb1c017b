"""Inputs of very different scales, or far from zero."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

SCALE_RATIO = Threshold(
    measure="feature_scale_ratio",
    value=2.0,
    source=c.OUR_CHOICE,
    meaning="One input feature varies a hundred times as much as the median one.",
)
MEAN_RATIO = Threshold(
    measure="input_mean_ratio",
    value=10.0,
    source=c.OUR_CHOICE,
    meaning="The inputs' mean is this many of their standard deviations from zero.",
)
INPUT_SCALE = Threshold(
    measure="input_scale",
    value=1.5,
    source=c.OUR_CHOICE + " Initialisers keep the size of what they get, and are made for inputs of size 1.",
    meaning="The inputs are thirty times larger than 1, or as many times smaller.",
)

INFO = ConditionInfo(
    name="unscaled_inputs",
    title="Unscaled inputs",
    description="Some input features are far larger than others, or all are far from zero, or far larger or "
    "smaller than 1. The largest dominates every unit, and no single learning rate suits all weights.",
    recognised_by="The features' scales differ by two decades or more, or their mean is ten standard "
    "deviations from zero, or all together they are thirty times too large or too small, and the "
    "network does not begin with a normalisation layer. Critical if it did not learn, a warning if it "
    "learned poorly, a note if it learned well. Where it is too early to tell, since a loss of millions "
    "can fall for long and teach nothing: critical if the steps made are fewer than the square of that "
    "ratio, the condition number that sets how many gradient descent needs (LeCun et al. 1998, section 5). "
    "Units that die under such inputs are a consequence, and so is a gradient that is mostly lost in the "
    "first layer's activation.",
    thresholds=(SCALE_RATIO, MEAN_RATIO, INPUT_SCALE),
    look_alikes=(
        LookAlike(
            name="A learning rate that is too large",
            how_to_tell="There the inputs are scaled, and the steps too long all the same.",
        ),
        LookAlike(
            name="Exploding gradients",
            how_to_tell="The gradient grows from layer to layer, not only at the first.",
        ),
        LookAlike(
            name="Pixels or counts",
            how_to_tell="Not centred, but of size 1 or some tens: that alone is harmless.",
        ),
    ),
    remedies=("standardise_inputs", "batch_norm"),
    sources=(c.LECUN_1998,),
)
