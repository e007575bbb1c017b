"""The network whose training is to be diagnosed."""

from typing import Annotated, Literal

from pydantic import Field

from service.contract.base import Contract
from service.contract.layers import Layer, LayerList
from service.contract.model_changes import ModelChange
from service.contract.shapes import Signal
from service.contract.templates import TemplateModel
from service.contract.upload import UploadId


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


OutputName = Annotated[int, Field(strict=True, ge=0, le=1000)] | Annotated[str, Field(max_length=200)]
"""An index or a name."""


class UploadedModel(Contract):
    """A trained or untrained network from a file. It is trained on from the weights that the file holds."""

    checkpoint: UploadId
    """The file: what `POST /v1/checkpoints` answered."""
    output: OutputName | None = Field(default=None, examples=["out", 0])
    """Which output the loss is computed on, where the network gives several: the index in a tuple or list,
    the key in a dictionary or the name in a named tuple; null: the only one, also where it is alone in one of
    these."""
    mode: Literal["train", "evaluation"] = "train"
    """Mode in which it is trained: `evaluation` turns dropout off and normalises by the stored statistics, as
    one often fine-tunes."""
    changes: list[ModelChange] = Field(
        default_factory=list, max_length=16, examples=[[{"kind": "activation", "function": "relu"}]]
    )
    """Changes of its modules, made one after another when it is loaded."""


class TorchScriptModel(UploadedModel):
    """A TorchScript archive, as `torch.jit.save` writes it: scripted, traced or frozen.

    It is never executed. Its graph is read and rebuilt as an ordinary network by an interpreter with a list
    of permitted operators.
    """

    kind: Literal["torchscript"] = "torchscript"
    """The kind of model."""


class ExportedModel(UploadedModel):
    """A `.pt2` archive, as `torch.export.save` writes it. It keeps the mode that it was exported in, whatever
    `mode` says."""

    kind: Literal["exported"] = "exported"
    """The kind of model."""


PlannedModel = SpecModel | TemplateModel
"""A network that is written out in the request, so that all of it is known before it is built."""

ModelRequest = Annotated[PlannedModel | TorchScriptModel | ExportedModel, Field(discriminator="kind")]
"""The network."""
