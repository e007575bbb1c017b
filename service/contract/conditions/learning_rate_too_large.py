"""A learning rate that is too large."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

BEST_STEP = Threshold(
    measure="best_step_ratio",
    value=-0.5,
    source="Calculus: on a quadratic, steps longer than twice the best one climb (10^-0.3); with a margin.",
    meaning="With SGD, the steps taken are more than three times as long as the best one.",
)
UPDATE_RATIO = Threshold(
    measure="update_ratio",
    value=0.1,
    source=c.OUR_CHOICE + " About 0.001 is usual.",
    meaning="Or the first step, and each step after it, change the weights by more than this part of their "
    "size (any optimizer). Steps that only grow during the run are a consequence of instability.",
)
FIRST_UPDATE = Threshold(
    measure="first_update_ratio",
    value=0.5,
    source="The first step of Adam and RMSprop changes every weight by about the learning rate, whatever the "
    "gradient (Kingma & Ba 2015, section 2.1). Half of the weights' size: two steps, and nothing of the "
    "initialisation is left.",
    meaning="Or the first step changes the weights by more than this part of their size, whatever the later "
    "ones do: units that it killed do not move any more.",
)
FIRST_JUMP = Threshold(
    measure="first_jump",
    value=2.0,
    source="Steps within the stable range lower the loss; Lewkowycz et al. (2020) call it a catapult when "
    "larger ones throw it up at first, which is harmless only if the network learns in the end.",
    meaning="Training suffers, among other signs, if the loss after the first steps is this many times what "
    "it was before.",
)

INFO = ConditionInfo(
    name="learning_rate_too_large",
    title="Learning rate too large",
    description="Each step overshoots: the loss rises instead of falling, weights are thrown far from where "
    "they started, units die or saturate, and in the end numbers overflow.",
    recognised_by="At the first step the gradient passes all layers with healthy gains, but the steps are "
    "much longer than the best one (line search on a copy) or change the weights by a tenth of their size "
    "or more (the first one, by half: with Adam, AdamW and RMSprop that is enough, whatever the gains); "
    "and training diverged, became unstable or began with a jump of the "
    "loss, or the network did not learn although a copy of it learns 32 samples by heart with small steps.",
    thresholds=(BEST_STEP, UPDATE_RATIO, FIRST_UPDATE, FIRST_JUMP),
    look_alikes=(
        LookAlike(
            name="Exploding gradients",
            how_to_tell="There the gradient grows with depth or time at the first step already.",
        ),
        LookAlike(
            name="A large first gradient",
            how_to_tell="Deep residual networks begin with steps 60 times too long, settle, and learn: no "
            "finding without consequence.",
        ),
        LookAlike(
            name="Unscaled inputs", how_to_tell="The same learning rate is fine once the inputs are scaled."
        ),
    ),
    remedies=("learning_rate", "gradient_clipping", "batch_norm"),
    sources=(c.LECUN_1998, c.BENGIO_2012, c.COHEN_2021, c.KINGMA_2015, c.LEWKOWYCZ_2020),
)
