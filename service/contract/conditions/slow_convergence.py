"""Slow convergence: learning that goes on, but slowly."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=0.7,
    source=c.OUR_CHOICE,
    meaning="After enough steps, more than this of the first loss is left …",
)
BEST_STEP = Threshold(
    measure="best_step_ratio",
    value=1.0,
    source=c.OUR_LOOK_ALIKES,
    meaning="… although ten times longer steps would lower it more (SGD) …",
)
OVERFIT_RATIO = Threshold(
    measure="overfit_ratio",
    value=0.1,
    source=c.OUR_LOOK_ALIKES,
    meaning="… and the network can be trained: it learns 32 samples by heart.",
)

INFO = ConditionInfo(
    name="slow_convergence",
    title="Slow convergence",
    description="The loss falls steadily, but so slowly that the steps given do not suffice, although "
    "nothing in the network prevents faster learning.",
    recognised_by="After at least 100 steps the loss is still falling, most of it is left, the network has "
    "not learned or learned poorly, its gradient passes all layers, a copy of it learns 32 samples by heart "
    "at once, and longer steps would help. At worst a warning.",
    thresholds=(LOSS_RATIO, BEST_STEP, OVERFIT_RATIO),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients", how_to_tell="The gradient's gain says so; then that is the finding."
        ),
        LookAlike(
            name="Slow hardware",
            how_to_tell="Good progress per step, but few steps per second: look at the cost.",
        ),
        LookAlike(name="A hard problem", how_to_tell="Longer steps would not help; more steps would."),
    ),
    remedies=("learning_rate", "more_steps", "batch_norm"),
    sources=(c.BENGIO_2012, c.IOFFE_2015),
)
