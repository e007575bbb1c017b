"""Overfitting: what it is and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

GAP = Threshold(
    measure="generalisation_gap",
    value=0.3,
    source=c.OUR_CHOICE,
    meaning="So much more skill on training data than on held-out data is a warning.",
)
STANDARD_ERRORS = Threshold(
    measure="generalisation_gap",
    value=3.0,
    source=c.OUR_CHOICE,
    meaning="And the gap must be this many standard errors of the held-out skill.",
)

INFO = ConditionInfo(
    name="overfitting",
    title="Overfitting",
    description="The network knows its training data far better than data it has not seen: part of what it "
    "learned are accidents of the sample.",
    recognised_by="Its skill (0 at chance, 1 perfect) on training data exceeds that on held-out data by 0.3 "
    "and by three standard errors. A warning. If it learned nothing that holds for other data, and the data "
    "say nothing either, that is the finding instead.",
    thresholds=(GAP, STANDARD_ERRORS),
    look_alikes=(
        LookAlike(
            name="Data with nothing to learn",
            how_to_tell="The training data are learned by heart too, but held-out skill is zero and the "
            "nearest neighbours find nothing.",
        ),
        LookAlike(name="Too few held-out samples", how_to_tell="The gap is within its standard errors."),
        LookAlike(name="A normal gap", how_to_tell="Every network does a little better on what it has seen."),
    ),
    remedies=("regularisation",),
    sources=(c.SRIVASTAVA_2014, c.ZHANG_2017),
)
