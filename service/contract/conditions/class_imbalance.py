"""Classes of very different sizes."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

LARGEST_CLASS = Threshold(
    measure="largest_class_share",
    value=0.8,
    source=c.OUR_CHOICE,
    meaning="From here a network that always names the largest class looks good.",
)

INFO = ConditionInfo(
    name="class_imbalance",
    title="Class imbalance",
    description="Nearly all samples belong to one class. Naming it always is right most of the time, so the "
    "loss falls quickly to that answer and the few samples of the other classes hardly pull away from it.",
    recognised_by="One class holds four fifths of the samples or more. Critical if the network ends no "
    "better than naming that class although nothing keeps its gradient from arriving, a warning if little "
    "better; a note if it learned well.",
    thresholds=(LARGEST_CLASS,),
    look_alikes=(
        LookAlike(name="A good accuracy", how_to_tell="Compare with chance: the share of the largest class."),
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="They too end in a constant answer; there the gain through the layers is small.",
        ),
        LookAlike(
            name="Data with nothing to learn",
            how_to_tell="The nearest neighbours do no better than chance either.",
        ),
    ),
    remedies=("class_weights",),
    sources=(c.HE_2009,),
)
