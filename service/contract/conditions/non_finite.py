"""Numbers that are not finite: what they are and how they are found."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

NON_FINITE_LOSS = Threshold(
    measure="non_finite_loss",
    value=0.0,
    source="IEEE 754: NaN never becomes a number again.",
    meaning="More than none: the run has diverged.",
)

INFO = ConditionInfo(
    name="non_finite",
    title="Numbers that are not finite",
    description="The loss, an activation or a gradient became NaN or infinite. From then on every weight "
    "that such a gradient touches is lost, and the run can only be thrown away.",
    recognised_by="The loss is NaN or infinite at any step, or a measured tensor has such entries. The "
    "finding names the first step and the first layer in which they were seen. With float16 and loss "
    "scaling, steps whose gradient overflows are skipped by design; they count only if the loss is not "
    "finite either.",
    thresholds=(NON_FINITE_LOSS,),
    look_alikes=(
        LookAlike(
            name="Exploding gradients",
            how_to_tell="The gradient grew, step by step or layer by layer, before the first NaN: then "
            "that is the finding and this its consequence.",
        ),
        LookAlike(
            name="An overflow of float16", how_to_tell="The same run in float32 or bfloat16 stays finite."
        ),
    ),
    remedies=("learning_rate", "gradient_clipping", "check_data"),
    sources=(c.PASCANU_2013,),
)
