"""A learning rate that is far too small."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

STEP_HEADROOM = Threshold(
    measure="step_headroom",
    value=3.0,
    source=c.OUR_LOOK_ALIKES
    + " A learning rate 10^5 too small has 5.3, the others at most 2.1 before they converge.",
    meaning="The best step along the gradient is a thousand times longer than the one taken (SGD) …",
)
LINE_GAIN = Threshold(
    measure="line_search_gain",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="… and takes at least this share of the loss away: it is worth taking …",
)
LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=0.9,
    source=c.OUR_CHOICE,
    meaning="And the loss has hardly moved.",
)
PATH = Threshold(
    measure="path",
    value=0.02,
    source=c.OUR_CHOICE + " Networks that fail for another reason in as many steps have 0.1 and more.",
    meaning="… or, whatever the optimizer, all steps of 100 and more together changed the weights by less "
    "than this part of their size.",
)
CLIPPED = Threshold(
    measure="clipped_to",
    value=0.1,
    source=c.OUR_CHOICE,
    meaning="Where clipping leaves less of the gradient, it is clipping that makes the steps short.",
)

INFO = ConditionInfo(
    name="learning_rate_too_small",
    title="Learning rate too small",
    description="The gradient is healthy and shows the way, but each step is so short that nothing changes "
    "within the steps given.",
    recognised_by="The loss has hardly moved, or the weights so little that it cannot have been they (a "
    "tenth of the path below), and either a line search on a copy finds that a step a thousand times longer "
    "would lower the loss, and clearly so, or all steps together cannot have changed anything. With SGD, the "
    "gradient must also pass all layers, and something must speak for the network: it learns 32 samples by "
    "heart, or the line search or the prediction from its beginning does. The steps of Adam, AdamW and "
    "RMSprop do not depend on the gradient's size, so there the path is enough. Critical if the network did "
    "not learn; a warning after too few steps to tell, or without training.",
    thresholds=(STEP_HEADROOM, LINE_GAIN, PATH, LOSS_RATIO, CLIPPED),
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
    remedies=("learning_rate", "gradient_clipping"),
    sources=(c.BENGIO_2012, c.LECUN_1998, c.GOODFELLOW_2016, c.KINGMA_2015),
)
