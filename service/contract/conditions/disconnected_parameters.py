"""Disconnected parameters: no path leads from the loss to them."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

DISCONNECTED_SHARE = Threshold(
    measure="disconnected_share",
    value=0.0,
    source="By definition.",
    meaning="More than none: these parameters stay as they were initialised.",
)

INFO = ConditionInfo(
    name="disconnected_parameters",
    title="Disconnected parameters",
    description="Parameters that are to be trained have no gradient at all: it is absent, not zero. "
    "Somewhere the path from the loss to them is cut, by a `detach` or because their module is not used.",
    recognised_by="After the first backward pass the gradient of a parameter that requires one is absent. "
    "Critical if the network did not learn, else a warning: the parameters are useless as it is.",
    thresholds=(DISCONNECTED_SHARE,),
    look_alikes=(
        LookAlike(name="Frozen parameters", how_to_tell="They do not require a gradient: it is meant so."),
        LookAlike(
            name="A zero-initialised branch",
            how_to_tell="Its gradient is there and exactly zero, and opens after a step.",
        ),
        LookAlike(
            name="Dead units", how_to_tell="The gradient below them is there and zero, and stays zero."
        ),
        LookAlike(name="Vanishing gradients", how_to_tell="The gradient is there, and tiny."),
    ),
    remedies=("check_graph",),
    sources=(c.BENGIO_2012,),
)
