"""Classes of very different sizes."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

LARGEST_CLASS = Threshold(
    measure="largest_class_share",
    value=0.8,
    source=c.OUR_CHOICE,
    meaning="From here a network that always names the largest class looks good.",
)
LARGEST_ANSWER = Threshold(
    measure="largest_answer_share",
    value=0.8,
    source="The same share: a network that gives one answer no less often than that class occurs. Accuracy "
    "cannot show it (He & Garcia 2009).",
    meaning="The network gives this share of the held-out samples one answer; with fewer, it errs for "
    "another reason.",
)

INFO = ConditionInfo(
    name="class_imbalance",
    title="Class imbalance",
    description="Nearly all samples belong to one class. Naming it always is right most of the time, so the "
    "loss falls quickly to that answer and the few samples of the other classes hardly pull away from it.",
    recognised_by="One class holds four fifths of the samples or more. Critical if the network ends no "
    "better than naming that class, gives nearly all samples one answer and nothing keeps its gradient from "
    "arriving, a warning if little better; a note if it learned well. Whether it learns 32 samples by heart "
    "does not matter: of so few, two or three are of a rare class, and the others say nothing about it.",
    thresholds=(LARGEST_CLASS, LARGEST_ANSWER),
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
