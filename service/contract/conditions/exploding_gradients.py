"""Exploding gradients: what they are and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

ATTENUATION = Threshold(
    measure="attenuation",
    value=2.0,
    source=c.OUR_GRID,
    meaning="The gradient grows by this many decades from the last layer to the first: 88 networks of our "
    "grid did, 81 failed with SGD.",
)
TIME_GAIN = Threshold(
    measure="time_gain",
    value=2.0,
    source=c.OUR_CHOICE,
    meaning="The gradient grows by this many decades from the last time step to the first.",
)
GRADIENT_GROWTH = Threshold(
    measure="gradient_growth",
    value=3.0,
    source=c.OUR_CHOICE,
    meaning="The norm of the whole gradient grew by this many decades during the run.",
)
LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=10.0,
    source=c.OUR_CHOICE,
    meaning="The loss rose to this multiple of its first value: training diverged.",
)

INFO = ConditionInfo(
    name="exploding_gradients",
    title="Exploding gradients",
    description="The gradient grows by a factor at every layer or time step that it passes on its way "
    "back, or from one training step to the next. An update then throws the weights so far that the loss "
    "rises instead of falling, up to numbers that are no longer finite.",
    recognised_by="The gradient grows strongly with depth, with time or over the run, and training "
    "suffers from it: the loss became non-finite or rose to a multiple of its first value (critical), or "
    "the network did not learn (critical with growth in depth or time). Growth in a network that learns "
    "is no finding: residual networks and batch normalisation grow by one or two decades and train well.",
    thresholds=(ATTENUATION, TIME_GAIN, GRADIENT_GROWTH, LOSS_RATIO),
    look_alikes=(
        LookAlike(
            name="A residual or batch-normalised network",
            how_to_tell="Its gradient grows with depth, and it learns.",
        ),
        LookAlike(
            name="A learning rate that is too large",
            how_to_tell="Gains through the layers are near 1 at the first step; the gradient grows only "
            "as the weights do.",
        ),
        LookAlike(name="A large loss", how_to_tell="Everything is large by the same factor; gains near 1."),
    ),
    remedies=("learning_rate", "gradient_clipping", "initialization", "layer_norm", "orthogonal_recurrence"),
    sources=(c.BENGIO_1994, c.PASCANU_2013, c.YANG_2019),
)
