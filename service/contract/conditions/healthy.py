"""A network with nothing wrong, and the evidence for saying so."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import ConditionInfo, LookAlike

INFO = ConditionInfo(
    name="healthy",
    title="Healthy",
    description="The network learns, and nothing that was measured speaks against its gradients.",
    recognised_by="It ended clearly better than chance and no warning or critical finding was made. "
    "Nothing is concluded where it learned poorly and its failure was foretold with 90 % (`trainability`). "
    "Without training (`steps: 0`), it only means that the gradient reaches the first layer at "
    "initialisation, and that networks that begin like it rather learn than not.",
    look_alikes=(
        LookAlike(name="A network that has not been trained", how_to_tell="`outcome.learned` is null."),
    ),
    sources=(c.SCHOENHOLZ_2017,),
)
