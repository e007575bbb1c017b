"""Time that goes elsewhere than into learning: the computer, not the network."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

DATA_SHARE = Threshold(
    measure="data_time_share",
    value=0.5,
    source=c.OUR_CHOICE,
    meaning="From here the processor waits for data more than it computes.",
)
UTILISATION = Threshold(
    measure="compute_utilisation",
    value=0.05,
    source=c.OUR_CHOICE,
    meaning="Under this share of what the device can do, the time goes to overhead: many small operations.",
)
DENORMALS = Threshold(
    measure="denormal_share",
    value=0.01,
    source="Measured by this project: networks of small weights and 50 layers took 1.2 to 2.7 times as long.",
    meaning="Share of denormal numbers that costs a CPU time.",
)
DURATION = Threshold(
    measure="training_seconds",
    value=5.0,
    source=c.OUR_CHOICE,
    meaning="Shorter runs are not slow, whatever their time is spent on.",
)

INFO = ConditionInfo(
    name="compute_bound",
    title="Slow for reasons outside the network",
    description="The network learns well at each step, but the steps take long: the time goes to loading "
    "data, to the overhead of small operations, or to numbers that the processor handles slowly. No change "
    "of activation or initialisation helps; the hardware or the way it is fed does.",
    recognised_by="The network learned well, its gradient passes all layers (through time it may fade: what "
    "learned well did not need the early time steps), the run took some time, and more "
    "than half of it went to data, or the arithmetic ran at under a twentieth of what a matrix product "
    "reaches on the same device, or its gradients hold denormal numbers. Always a note: the network is "
    "healthy.",
    thresholds=(DATA_SHARE, UTILISATION, DENORMALS, DURATION),
    look_alikes=(
        LookAlike(
            name="Slow convergence", how_to_tell="There many steps are needed; here each step takes long."
        ),
        LookAlike(
            name="A large network", how_to_tell="Its arithmetic is much, and runs near the device's peak."
        ),
        LookAlike(name="Vanishing gradients", how_to_tell="They also make training slow, but per step."),
    ),
    remedies=("larger_batches", "flush_denormals"),
    sources=(c.WILLIAMS_2009,),
)
