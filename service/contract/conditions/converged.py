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
ERROR_LEVEL = Threshold(
    measure="error_level",
    value=0.05,
    source=c.OUR_LOOK_ALIKES + " A converged network has 0.0004, one in the midst of training 0.27.",
    meaning="Or the outputs are wrong by less than this, whatever the loss was at first.",
)

INFO = ConditionInfo(
    name="converged",
    title="Converged",
    description="The network has learned, little error is left, and so the gradients are small "
    "everywhere. This is what success looks like, not vanishing gradients.",
    recognised_by="The network learned, the training loss and the error signal at its output have both "
    "fallen to a small share of their first values; or hardly any error is left at its output, as in a "
    "network that was trained before.",
    thresholds=(ERROR_SIGNAL_RATIO, LOSS_RATIO, ERROR_LEVEL),
    look_alikes=(
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="There the first layers' gradients are small against the last layer's, and the "
            "loss is not.",
        ),
    ),
    sources=(c.SCHOENHOLZ_2017,),
)
