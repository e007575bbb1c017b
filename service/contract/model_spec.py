"""The network whose training is to be diagnosed."""

from typing import Annotated, Literal

from pydantic import Field

from service.contract.base import Contract
from service.contract.layers import Layer, LayerList
from service.contract.shapes import Signal
from service.contract.templates import TemplateModel


class SpecModel(Contract):
    """A network written out layer by layer. Input sizes are inferred from the data."""

    kind: Literal["spec"] = "spec"
    """The kind of model."""
    layers: LayerList = Field(
        examples=[
            [
                {"op": "flatten"},
                {"op": "linear", "units": 64, "init": "he_normal"},
                {"op": "activation", "function": "relu"},
                {"op": "linear", "units": "targets"},
            ]
        ]
    )
    """Its layers, in the order of the forward pass. The last one's output must be what the data needs."""

    def expand(self, given: Signal) -> list[Layer]:  # noqa: ARG002 - a template's layers depend on it
        """Its layers for samples like `given`."""
        return self.layers


ModelRequest = Annotated[SpecModel | TemplateModel, Field(discriminator="kind")]
"""The network."""
