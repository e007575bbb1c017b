"""Dead units: what they are and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

DEAD_UNITS = Threshold(
    measure="dead_units",
    value=0.9,
    source=c.OUR_LOOK_ALIKES + " In healthy ReLU layers of 64 units it stays below half.",
    meaning="From this share of units that are zero for every sample, the layer is dead.",
)

INFO = ConditionInfo(
    name="dead_units",
    title="Dead units",
    description="The units of a ReLU layer are zero for every sample. The derivative is zero there too, so "
    "nothing passes the layer, neither forward nor back, and no gradient will ever wake it up.",
    recognised_by="Nearly all units of a ReLU layer are zero for every one of at least 512 samples, at the "
    "end of the run (or at initialisation, without training). If nothing at all passes a layer that every "
    "path goes through, or if the network did not learn, this is critical; in a network that learned well "
    "it is a note.",
    thresholds=(DEAD_UNITS,),
    look_alikes=(
        LookAlike(
            name="A sparse ReLU layer",
            how_to_tell="Each sample leaves about half of the units at zero, but not the same ones.",
        ),
        LookAlike(
            name="A zero-initialised branch",
            how_to_tell="It opens after the first steps: the last measurement counts, not the first.",
        ),
        LookAlike(
            name="Inputs that are all zero or all the same",
            how_to_tell="Then the data check says so, and that is the finding.",
        ),
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="There the gradient shrinks layer by layer; here it stops at one.",
        ),
    ),
    remedies=("leaky_relu", "initialization", "learning_rate", "batch_norm"),
    sources=(c.LU_2020, c.HE_2015),
)
