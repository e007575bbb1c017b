"""Data from which nothing can be learned."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

CONSTANT = Threshold(
    measure="constant_features",
    value=1.0,
    source="By definition.",
    meaning="All input features have one value in all samples: they say nothing about the target.",
)
NEIGHBOURS = Threshold(
    measure="neighbour_score",
    value=0.0,
    source=c.OJALA_2010 + " The limit is measured: the 95 % quantile over permuted targets of the same data.",
    meaning="The nearest neighbours do no better than with permuted targets.",
)
OVERFIT_RATIO = Threshold(
    measure="overfit_ratio",
    value=0.1,
    source=c.OUR_LOOK_ALIKES,
    meaning="And the network can be trained: it learns 32 samples by heart.",
)

INFO = ConditionInfo(
    name="uninformative_data",
    title="Data with nothing to learn",
    description="The inputs say nothing about the targets: the inputs are constant, or inputs and targets do "
    "not belong together (shuffled labels, an off-by-one between two files). A network can learn its "
    "training samples by heart, but nothing that holds for others.",
    recognised_by="All inputs are constant; or the network did not learn although its gradient passes all "
    "layers and it learns 32 samples by heart, and the nearest neighbours on the raw inputs do no better "
    "than with permuted targets either. Nearest neighbours cannot see every structure, so the second is "
    "never concluded from the data alone, nor where four fifths of the samples are of one class: neighbours "
    "that vote name that one.",
    thresholds=(CONSTANT, NEIGHBOURS, OVERFIT_RATIO),
    look_alikes=(
        LookAlike(
            name="Overfitting", how_to_tell="The nearest neighbours beat chance: there is something to learn."
        ),
        LookAlike(
            name="Vanishing gradients", how_to_tell="The network cannot even learn 32 samples by heart."
        ),
        LookAlike(
            name="A structure that neighbours do not see",
            how_to_tell="The network learns it, and then there is no finding.",
        ),
    ),
    remedies=("check_data",),
    sources=(c.ZHANG_2017, c.COVER_1967, c.OJALA_2010),
)
