"""Frozen parameters: parameters that are not trained."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

FROZEN_SHARE = Threshold(
    measure="frozen_share",
    value=0.0,
    source="By definition.",
    meaning="More than none: said in a note, since it is usually meant so.",
)

INFO = ConditionInfo(
    name="frozen_parameters",
    title="Frozen parameters",
    description="Some parameters are not trained: `requires_grad` is off, or they were not given to the "
    "optimizer. Often this is intended, as when only the head of a pre-trained network is trained.",
    recognised_by="Parameters are not among those trained. A note; a warning if the network did not learn "
    "and a gradient does reach them, since then they were probably forgotten, or the others do not learn 32 "
    "samples by heart, since then they may be needed.",
    thresholds=(FROZEN_SHARE,),
    look_alikes=(
        LookAlike(
            name="Disconnected parameters",
            how_to_tell="They are to be trained, but no path leads from the loss to them.",
        ),
        LookAlike(
            name="Vanishing gradients", how_to_tell="There the first layers have a gradient, a tiny one."
        ),
        LookAlike(name="Fixed buffers", how_to_tell="Running averages and the like are no parameters."),
    ),
    remedies=("check_graph", "unfreeze"),
    sources=(c.BENGIO_2012,),
)
