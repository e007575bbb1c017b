"""Saturated activations: what they are and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

SATURATION = Threshold(
    measure="saturation",
    value=0.9,
    source=c.OUR_CHOICE,
    meaning="From here the mean derivative of a bounded activation is less than a tenth of its largest.",
)

INFO = ConditionInfo(
    name="saturated_activations",
    title="Saturated activations",
    description="Sigmoid or tanh units get inputs so large that they sit at the flat ends of the curve, "
    "where the derivative is nearly zero. They answer much the same to every input, and hardly any "
    "gradient passes them.",
    recognised_by="The mean derivative of a layer of bounded activations, relative to its largest value, is "
    "under a tenth at the last measurement. Critical if the network did not learn, a note if it learned "
    "well. If the gradient vanishes, this is part of that finding.",
    thresholds=(SATURATION,),
    look_alikes=(
        LookAlike(
            name="The sigmoid's small derivative",
            how_to_tell="It is at most 0.25 even at its best; saturation is measured against that maximum.",
        ),
        LookAlike(
            name="Large activations of a ReLU", how_to_tell="Its derivative is 1 there: it does not saturate."
        ),
        LookAlike(
            name="A trained network with decided units",
            how_to_tell="Saturated units in a network that learned are an answer, not an illness.",
        ),
    ),
    remedies=("initialization", "standardise_inputs", "batch_norm", "learning_rate"),
    sources=(c.GLOROT_2010, c.LECUN_1998),
)
