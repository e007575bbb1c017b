"""Forward collapse: what it is and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

RANK_SGD = Threshold(
    measure="relative_feature_rank",
    value=0.35,
    source=c.OUR_GRID,
    meaning="With SGD, a network whose last features have less of the inputs' effective rank does not "
    "train in such a budget.",
)
RANK_ADAPTIVE = Threshold(
    measure="relative_feature_rank",
    value=0.15,
    source=c.OUR_GRID,
    meaning="The same for Adam, AdamW and RMSprop.",
)
OVERFIT_RATIO = Threshold(
    measure="overfit_ratio",
    value=0.3,
    source=c.OUR_LOOK_ALIKES,
    meaning="And a copy of the network does not even learn 32 samples by heart: more than this of their "
    "loss is left.",
)
CORRELATION = Threshold(
    measure="feature_correlation",
    value=0.9,
    source="In the phase in which samples become alike, their correlation tends to 1 (Schoenholz et al. "
    "2017, section 3).",
    meaning="Where four fifths of the samples or more are of one class, their features must also be as "
    "alike as this: 32 samples hold hardly a rare one then, and what is left of their loss says little.",
)

INFO = ConditionInfo(
    name="forward_collapse",
    title="Forward collapse",
    description="On their way through many layers the samples become ever more alike, until the last layer "
    "cannot tell them apart. The gradient may keep its size perfectly; it has nothing to tell.",
    recognised_by="Before training, the inputs of the last layer have a far smaller effective rank than the "
    "network's inputs, a copy of the network cannot learn 32 samples by heart, its beginning does not "
    "foretell that some learning rate would do, and the network did not learn. Without training it is a "
    "warning.",
    thresholds=(RANK_SGD, RANK_ADAPTIVE, OVERFIT_RATIO, CORRELATION),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="There the gradient shrinks; here its gain is near 1.",
        ),
        LookAlike(
            name="A trained classifier",
            how_to_tell="Its last features rightly have few dimensions; only those before training count.",
        ),
        LookAlike(
            name="A small convolutional network with steps that are too short",
            how_to_tell="Its features have few dimensions and sixty steps do not suffice for 32 samples, but "
            "networks that begin like it learn.",
        ),
        LookAlike(
            name="A narrow network",
            how_to_tell="Its features have few dimensions, but it learns samples by heart.",
        ),
    ),
    remedies=("residual", "batch_norm", "tanh"),
    sources=(c.SCHOENHOLZ_2017, c.HANIN_2020),
)
