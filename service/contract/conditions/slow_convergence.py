"""Slow convergence: learning that goes on, but slowly."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=0.7,
    source=c.OUR_CHOICE,
    meaning="After enough steps, more than this of the first loss is left …",
)
STEP_HEADROOM = Threshold(
    measure="step_headroom",
    value=1.0,
    source=c.OUR_LOOK_ALIKES,
    meaning="… although ten times longer steps would lower it more (SGD) …",
)
LINE_GAIN = Threshold(
    measure="line_search_gain",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="… and, where it ended no better than chance, that step takes at least this share away: else it "
    "is a plateau …",
)
PATH = Threshold(
    measure="path",
    value=0.2,
    source="Adam's steps have the learning rate's length whatever the gradient (Kingma & Ba 2015, section "
    "2.1), so that the line search says nothing about them, and the sum of their lengths bounds what the "
    "whole run can change.",
    meaning="… or, for Adam, AdamW and RMSprop, all steps together are shorter than this part of the "
    "weights' size, while a copy with ten times the learning rate or more halves its loss on 32 samples …",
)
OVERFIT_RATIO = Threshold(
    measure="overfit_ratio",
    value=0.1,
    source=c.OUR_LOOK_ALIKES,
    meaning="… and the network can be trained: it learns 32 samples by heart (or, with SGD, its beginning "
    "foretells that some learning rate would do).",
)

INFO = ConditionInfo(
    name="slow_convergence",
    title="Slow convergence",
    description="The loss falls steadily, but so slowly that the steps given do not suffice, although "
    "nothing in the network prevents faster learning.",
    recognised_by="After at least 100 steps the loss is still falling, most of it is left, the network has "
    "not learned or learned poorly, its gradient passes all layers, a copy of it learns 32 samples by heart "
    "at once (or networks that begin like it learn), and longer steps would help. The fall is taken from the "
    "first third of the run to the last, three standard errors: a slow one drowns in the noise of batches "
    "over less; a quarter of it or more must lie in the later half. A network that does what the nearest "
    "neighbours do has learned what there is. At worst a warning.",
    thresholds=(LOSS_RATIO, STEP_HEADROOM, LINE_GAIN, PATH, OVERFIT_RATIO),
    look_alikes=(
        LookAlike(
            name="A learning rate that is too small",
            how_to_tell="The same cause, further off: there the loss hardly moves, and the best step is a "
            "thousand times as long. Between the two, the noise of batches decides.",
        ),
        LookAlike(
            name="Vanishing gradients", how_to_tell="The gradient's gain says so; then that is the finding."
        ),
        LookAlike(
            name="Slow hardware",
            how_to_tell="Good progress per step, but few steps per second: look at the cost.",
        ),
        LookAlike(
            name="Noisy targets",
            how_to_tell="Much of the loss is left too, but it has stopped falling, or the network does what "
            "the nearest neighbours do.",
        ),
        LookAlike(name="A hard problem", how_to_tell="Longer steps would not help; more steps would."),
    ),
    remedies=("learning_rate", "more_steps", "batch_norm"),
    sources=(c.BENGIO_2012, c.IOFFE_2015, c.KINGMA_2015),
)
