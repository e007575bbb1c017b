"""Vanishing gradients: what they are and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

ATTENUATION_SGD = Threshold(
    measure="attenuation",
    value=-2.0,
    source=c.OUR_GRID,
    meaning="With SGD, a gradient that loses this many decades has vanished: 89 of 89 such networks "
    "failed to train.",
)
ATTENUATION_ADAPTIVE = Threshold(
    measure="attenuation",
    value=-3.0,
    source=c.OUR_GRID,
    meaning="The same for Adam, AdamW and RMSprop, which rescale each parameter's step: 74 of 81 failed.",
)
ATTENUATION_SUSPICIOUS = Threshold(
    measure="attenuation",
    value=-1.0,
    source=c.OUR_GRID,
    meaning="With starved lower layers, worth a warning if it did not learn (14 of 22 failed with SGD).",
)
TIME_GAIN_SGD = Threshold(
    measure="time_gain",
    value=-2.0,
    source=c.OUR_CHOICE,
    meaning="With SGD, a gradient that loses this many decades on its way to the first time step has "
    "vanished.",
)
TIME_GAIN_ADAPTIVE = Threshold(
    measure="time_gain", value=-3.0, source=c.OUR_CHOICE, meaning="The same for Adam, AdamW and RMSprop."
)
BOTTOM_HALF_SHARE = Threshold(
    measure="bottom_half_gradient_share",
    value=1e-3,
    source=c.OUR_LOOK_ALIKES,
    meaning="The lower half of the layers hardly takes part in learning; required for a mere warning.",
)

INFO = ConditionInfo(
    name="vanishing_gradients",
    title="Vanishing gradients",
    description="The gradient of the loss shrinks by a factor at every layer (or every time step) that it "
    "passes on its way back, so it shrinks exponentially with depth (or time). The layers far from the "
    "loss receive next to nothing and stay as they were initialised; the layers near the loss can only "
    "work with what random layers give them.",
    recognised_by="The gradient with respect to the layers' outputs is far smaller at the first layer "
    "than at the last (depth), or far smaller at the first time step than at the last (time), beyond what "
    "chance in a network of this width explains; and the network did not learn. If it learned all the "
    "same, this is a note, or a warning where it learned poorly. Absolute sizes play no part, so a scaled "
    "loss changes nothing. Without training, the chance of failure is taken from our grid of trained "
    "networks, and the finding is critical only from 90 %.",
    thresholds=(
        ATTENUATION_SGD,
        ATTENUATION_ADAPTIVE,
        ATTENUATION_SUSPICIOUS,
        TIME_GAIN_SGD,
        TIME_GAIN_ADAPTIVE,
        BOTTOM_HALF_SHARE,
    ),
    look_alikes=(
        LookAlike(
            name="A converged network", how_to_tell="Its gradients are small everywhere alike: gains near 1."
        ),
        LookAlike(
            name="A scaled loss", how_to_tell="All gradients are small by the same factor: gains near 1."
        ),
        LookAlike(
            name="Frozen or disconnected layers",
            how_to_tell="They have no gradient at all; they are left out.",
        ),
        LookAlike(
            name="A zero-initialised output layer or branch",
            how_to_tell="The gradient is exactly zero at the first step and opens at the next ones.",
        ),
        LookAlike(
            name="Dead units",
            how_to_tell="The gradient stops at one layer, exactly zero, without shrinking before it.",
        ),
        LookAlike(
            name="Small weight gradients",
            how_to_tell="A weight's gradient also shrinks with the layer's input; the gradient of the "
            "layer's output tells.",
        ),
        LookAlike(
            name="Forward collapse",
            how_to_tell="Deep networks also fail by losing their input on the way forward, with gains "
            "near 1.",
        ),
    ),
    remedies=(
        "residual",
        "batch_norm",
        "relu",
        "tanh",
        "initialization",
        "layerwise_pretraining",
        "lstm",
        "forget_bias",
        "orthogonal_recurrence",
        "learning_rate",
    ),
    sources=(c.BENGIO_1994, c.GLOROT_2010, c.PASCANU_2013, c.SCHOENHOLZ_2017, c.HANIN_2020),
)
