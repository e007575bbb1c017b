"""A network that does not learn, and the thresholds by which every diagnosis says whether one did."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

STANDARD_ERRORS = Threshold(
    measure="held_out_accuracy",
    value=3.0,
    source=c.OUR_CHOICE,
    meaning="Standard errors (binomial, over the held-out samples) above chance from which a network has "
    "learned.",
)
MINIMAL_SKILL = Threshold(
    measure="skill",
    value=0.05,
    source=c.OUR_CHOICE,
    meaning="And at least this share of the way from chance to perfect.",
)
GOOD_SKILL = Threshold(
    measure="skill",
    value=0.5,
    source=c.OUR_GRID,
    meaning="From here a network that learned has learned well: a weak gradient is no more than a note.",
)
ENOUGH_STEPS = Threshold(
    measure="steps",
    value=100.0,
    source=c.OUR_GRID + " Its runs have 117 steps: about fewer it says nothing.",
    meaning="With fewer steps, a network that has not learned yet is not blamed for it.",
)
PATIENCE = Threshold(
    measure="steps",
    value=1000.0,
    source=c.OUR_CHOICE,
    meaning="With fewer steps, and no sign of why, it is only a warning: some problems have long plateaus.",
)
TINY_UPDATE = Threshold(
    measure="update_ratio",
    value=1e-6,
    source=c.OUR_CHOICE,
    meaning="Below this the layers move less than 1 % in 10 000 steps: the learning rate is too small.",
)

INFO = ConditionInfo(
    name="not_learning",
    title="Not learning",
    description="After enough steps the network is no better than a constant answer, and none of the "
    "other conditions explains it.",
    recognised_by="The held-out metric is not clearly better than that of the best constant prediction, "
    "the training loss has stopped falling, and the gradient passes through the network with a healthy "
    "gain. This is critical where a reason shows (tiny updates, a loss that rose) or after "
    "a long run; else, or if the network fits its training data and fails only on held-out data, it is a "
    "warning.",
    thresholds=(STANDARD_ERRORS, MINIMAL_SKILL, GOOD_SKILL, ENOUGH_STEPS, PATIENCE, TINY_UPDATE),
    look_alikes=(
        LookAlike(
            name="Vanishing or exploding gradients",
            how_to_tell="The backward gain says so; then that is the finding and this its consequence.",
        ),
        LookAlike(name="Too few steps", how_to_tell="The training loss is still falling."),
        LookAlike(
            name="A learning rate that is far too small",
            how_to_tell="Update ratios are tiny while gains are near 1.",
        ),
        LookAlike(
            name="Data with nothing to learn",
            how_to_tell="The network fits its training data but not held-out data.",
        ),
    ),
    remedies=("learning_rate", "check_data", "initialization", "batch_norm"),
    sources=(c.ZHANG_2017, c.SCHOENHOLZ_2017),
)
