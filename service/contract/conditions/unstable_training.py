"""Unstable training: what it is and where the lines are drawn."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

REBOUND = Threshold(
    measure="loss_rebound",
    value=0.5,
    source=c.OUR_CHOICE,
    meaning="The loss, smoothed, rose by half of its first value above what it had already reached.",
)

INFO = ConditionInfo(
    name="unstable_training",
    title="Unstable training",
    description="The loss does not settle: it swings up and down or climbs away, so that later steps undo "
    "what earlier ones achieved.",
    recognised_by="The smoothed training loss rose far above its own earlier minimum, and the network did "
    "not learn (critical) or learned poorly (warning). The noise of single batches is smoothed away, and a "
    "network that learned well is not blamed for a bump on the way. Of a run that ends in numbers that are "
    "not finite, what came before is judged. If the gradient grows from step to step, but not on its way "
    "back, if activations saturate that were not at first, or if numbers overflow in the end, these are "
    "consequences: what swings further with every step arrives there whatever drives it, often a momentum "
    "that adds up so many steps that they cannot settle (Polyak 1964).",
    thresholds=(REBOUND,),
    look_alikes=(
        LookAlike(
            name="Noise of small batches",
            how_to_tell="It swings around a falling mean; the smoothed loss does not rise.",
        ),
        LookAlike(
            name="A bump that heals",
            how_to_tell="Large steps may lift the loss at first; then it falls below.",
        ),
        LookAlike(
            name="Exploding gradients", how_to_tell="They grow with depth or time at the very first step."
        ),
    ),
    remedies=("learning_rate", "gradient_clipping", "batch_norm"),
    sources=(c.COHEN_2021, c.PASCANU_2013, c.POLYAK_1964),
)
