"""A learning rate that is far too small."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

BEST_STEP = Threshold(
    measure="best_step_ratio",
    value=3.0,
    source=c.OUR_LOOK_ALIKES
    + " A learning rate 10^5 too small has 5.3, the others at most 2.1 before they converge.",
    meaning="The best step along the gradient is a thousand times longer than the one taken.",
)
LINE_GAIN = Threshold(
    measure="line_search_gain",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="And that best step takes at least this share of the loss away: it is worth taking.",
)
LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=0.9,
    source=c.OUR_CHOICE,
    meaning="And the loss has hardly moved.",
)
TINY_ADAPTIVE_UPDATE = Threshold(
    measure="update_ratio",
    value=1e-5,
    source=c.OUR_CHOICE,
    meaning="For Adam, AdamW and RMSprop, whose steps do not depend on the gradient's size: each changes the "
    "weights by less than this.",
)

INFO = ConditionInfo(
    name="learning_rate_too_small",
    title="Learning rate too small",
    description="The gradient is healthy and shows the way, but each step is so short that nothing changes "
    "within the steps given.",
    recognised_by="A line search on a copy finds that a step a thousand times longer would lower the loss, "
    "and clearly so; the gradient passes all layers; the loss has hardly moved. Critical if the network did "
    "not learn; a warning after too few steps to tell, or without training.",
    thresholds=(BEST_STEP, LINE_GAIN, LOSS_RATIO, TINY_ADAPTIVE_UPDATE),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="Updates are tiny too, but only far from the loss, as the gains say.",
        ),
        LookAlike(
            name="A converged network",
            how_to_tell="Long steps would still help a little, but no error is left.",
        ),
        LookAlike(name="A plateau", how_to_tell="No step along the gradient takes much of the loss away."),
    ),
    remedies=("learning_rate",),
    sources=(c.BENGIO_2012, c.LECUN_1998),
)
