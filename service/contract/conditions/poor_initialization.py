"""Poor initialisation: what it is and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

WEIGHT_SPREAD = Threshold(
    measure="weight_spread",
    value=1e-6,
    source="Calculus: units with equal weights get equal gradients, and stay equal.",
    meaning="Under this all weights of a layer are the same number, so all its units are.",
)
FORWARD_RANGE = Threshold(
    measure="forward_range",
    value=3.0,
    source=c.OUR_CHOICE,
    meaning="The signal shrinks or grows by this many decades on its way forward.",
)

INFO = ConditionInfo(
    name="poor_initialization",
    title="Poor initialisation",
    description="The weights start where learning cannot: all equal, so that all units of a layer stay "
    "copies of each other, or at a scale that makes the signal shrink or grow from layer to layer.",
    recognised_by="Before the first step, all weights of a hidden layer are equal, or the size of the "
    "signal changes by three decades or more from layer to layer; and the network did not learn (critical) "
    "or learned poorly (warning). Where the gradient vanishes or explodes for it, that is the finding and "
    "its explanation names the initialisation.",
    thresholds=(WEIGHT_SPREAD, FORWARD_RANGE),
    look_alikes=(
        LookAlike(
            name="A zero-initialised output layer or branch",
            how_to_tell="It opens after one step; only hidden layers on the main path count.",
        ),
        LookAlike(
            name="Normalisation layers",
            how_to_tell="Their weights start at one, all equal, and rightly so; they are left out.",
        ),
        LookAlike(
            name="A small but compensated scale",
            how_to_tell="Normalisation makes the scale irrelevant, and the network learns.",
        ),
    ),
    remedies=("initialization", "batch_norm", "residual"),
    sources=(c.GLOROT_2010, c.HE_2015, c.MISHKIN_2016),
)
