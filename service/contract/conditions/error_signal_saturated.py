"""An error that does not enter the network: saturated outputs under squared error."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

REACHING = Threshold(
    measure="error_reaching_output",
    value=0.1,
    source=c.OUR_LOOK_ALIKES + " A saturated softmax has 0.02, all others 1.",
    meaning="Less than this part of the error passes the output function.",
)
ERROR_LEVEL = Threshold(
    measure="error_level",
    value=0.5,
    source=c.OUR_LOOK_ALIKES,
    meaning="While the outputs are at least half as wrong as a uniform guess.",
)

INFO = ConditionInfo(
    name="error_signal_saturated",
    title="Saturated output",
    description="The output function (softmax or sigmoid) is so sure of its wrong answers that its "
    "derivative is nearly zero. With squared error, the error is multiplied by that derivative before it "
    "reaches the last layer, so the network is wrong and does not feel it.",
    recognised_by="The outputs are wrong, but the gradient at the network's output is under a tenth of the "
    "error. Critical if the network did not learn; a warning if it learned poorly or that is not known; no "
    "finding once it learned well.",
    thresholds=(REACHING, ERROR_LEVEL),
    look_alikes=(
        LookAlike(name="A converged network", how_to_tell="Its error signal is small because its error is."),
        LookAlike(
            name="Vanishing gradients",
            how_to_tell="There the signal is whole at the output and lost on the way back.",
        ),
        LookAlike(name="A scaled loss", how_to_tell="The scale is divided out before the two are compared."),
    ),
    remedies=("cross_entropy", "initialization"),
    sources=(c.GLOROT_2010, c.LECUN_1998),
)
