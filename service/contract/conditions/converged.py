"""A network that has finished learning, whose small gradients are no illness."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

ERROR_SIGNAL_RATIO = Threshold(
    measure="error_signal_ratio",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="The error signal at the output has fallen below this share of its first value.",
)
LOSS_RATIO = Threshold(
    measure="loss_ratio",
    value=0.05,
    source=c.OUR_LOOK_ALIKES,
    meaning="The training loss has fallen below this share of its first value.",
)

INFO = ConditionInfo(
    name="converged",
    title="Converged",
    description="The network has learned, little error is left, and so the gradients are small "
    "everywhere. This is what success looks like, not vanishing gradients.",
    recognised_by="The network learned, the training loss and the error signal at its output have both "
    "fallen to a small share of their first values.",
    thresholds=(ERROR_SIGNAL_RATIO, LOSS_RATIO),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="There the first layers' gradients are small against the last layer's, and the "
            "loss is not.",
        ),
    ),
    sources=(c.SCHOENHOLZ_2017,),
)
