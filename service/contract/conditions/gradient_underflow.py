"""Gradients and updates that the number format cannot hold."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

FLUSHED_SHARE = Threshold(
    measure="flushed_share",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="More of the gradient's entries than this become zero by the number format alone.",
)
MUCH_FLUSHED = Threshold(
    measure="flushed_share",
    value=0.25,
    source=c.OUR_CHOICE,
    meaning="From here it is a warning even in a network that learned well: so many of its parameters get no "
    "gradient.",
)
ABSORBED_SHARE = Threshold(
    measure="absorbed_share",
    value=0.5,
    source=c.OUR_CHOICE,
    meaning="More of the weights than this are not changed by their update: it is lost in rounding.",
)

INFO = ConditionInfo(
    name="gradient_underflow",
    title="Gradients lost to the number format",
    description="Numbers below about 6e-8 become zero in float16; and an update that is small against its "
    "weight is rounded away. The gradient exists, but the format cannot hold it. This is no property of "
    "the network.",
    recognised_by="Entries of the gradient are zero in the run's number format but not in float32, or most "
    "weights stay exactly the same under their update. Critical if the network did not learn, a note if it "
    "learned well and few entries are lost. Where the gradient vanishes with depth, that is the finding.",
    thresholds=(FLUSHED_SHARE, MUCH_FLUSHED, ABSORBED_SHARE),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="They shrink from layer to layer, in any format; here gains are near 1.",
        ),
        LookAlike(name="Dead units", how_to_tell="Their zeros are zero in float32 as well."),
        LookAlike(
            name="A small loss in float32", how_to_tell="All gradients are small alike, but none is lost."
        ),
    ),
    remedies=("loss_scaling", "learning_rate"),
    sources=(c.MICIKEVICIUS_2018,),
)
