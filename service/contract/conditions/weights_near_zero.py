"""Weights near zero: the 25 % rule as it should be read."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike, Threshold

NEAR_ZERO = Threshold(
    measure="near_zero_weights",
    value=0.25,
    source="A rule of thumb from practice, with `near` defined against the layer's own scale. Alone it "
    "says little: in our grid it fires on 102 architectures that train.",
    meaning="Under this share it is no sign of anything.",
)
NEAR_ZERO_GROWTH = Threshold(
    measure="near_zero_growth",
    value=0.1,
    source=c.OUR_CHOICE,
    meaning="And the share must have grown by this much during the run: a pruned network starts with it.",
)
DECAY = Threshold(
    measure="decay",
    value=2.3,
    source="Decay multiplies the weights by 1 - learning rate x decay at each step (Krogh & Hertz 1992; with "
    "momentum m as if the rate were 1 / (1 - m) times as large). ln 10: enough to bring them near zero, as "
    "it is meant here.",
    meaning="Weight decay alone would shrink the weights by e to this power in the steps made. If the "
    "gradient arrived at first, decay is the cause, and a gradient that vanishes later its consequence.",
)

INFO = ConditionInfo(
    name="weights_near_zero",
    title="Weights shrinking to zero",
    description="The weights of a layer gather around zero during training: the layer passes on less and "
    "less. Weight decay that is stronger than the gradient does this, and so do layers that no gradient "
    "reaches.",
    recognised_by="More than a quarter of a layer's weights are smaller than a tenth of the layer's standard "
    "deviation at initialisation, the share grew during the run, and the network did not learn (warning) "
    "or learned poorly (note); one degree graver if weight decay is enough to do this. "
    "In a network that learned well it is no finding.",
    thresholds=(NEAR_ZERO, NEAR_ZERO_GROWTH, DECAY),
    look_alikes=(
        LookAlike(
            name="A pruned or sparse network",
            how_to_tell="Most of its weights are zero from the start, and it learns.",
        ),
        LookAlike(
            name="A small initialisation",
            how_to_tell="All weights are small alike; the share is measured against the layer's own scale.",
        ),
        LookAlike(
            name="Useful regularisation", how_to_tell="Weights shrink and the held-out metric is good."
        ),
    ),
    remedies=("learning_rate", "initialization"),
    sources=(c.HAN_2015, c.BENGIO_2012, c.KROGH_1992),
)
