"""From an uploaded file to a network that can be trained and measured."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from torch import Tensor, nn

from service.contract.model_spec import ExportedModel, OutputName, TorchScriptModel, UploadedModel
from workers.uploads.arrays import is_safetensors
from workers.uploads.errors import InvalidUploadError


def _torchscript(file: BinaryIO) -> nn.Module:
    from workers.uploads.archive import clean_torchscript
    from workers.uploads.torchscript import rebuild

    return rebuild(clean_torchscript(file))


def _exported(file: BinaryIO) -> nn.Module:
    from workers.uploads.exported import load_exported

    return load_exported(file)


_LOADERS: Mapping[type[UploadedModel], Callable[[BinaryIO], nn.Module]] = {
    TorchScriptModel: _torchscript,
    ExportedModel: _exported,
}
"""How each kind of file is read."""


def load_network(model: UploadedModel, file: BinaryIO) -> nn.Module:
    """The network in the file, float32 on the CPU, with one tensor as output. It has layers that can be
    named: one that is but a single layer becomes the part of another.

    Raises UploadError.
    """
    if is_safetensors(file):
        raise InvalidUploadError(
            "this is a safetensors file, which holds weights without a graph: save the network with "
            "torch.jit.save or torch.export.save"
        )
    network = _LOADERS[type(model)](file).float()
    if next(network.children(), None) is None:
        network = Alone(network)
    network.register_forward_hook(SelectOutput(model.output))
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InvalidUploadError(
            "no parameter is trained: the file has none, or all have requires_grad switched off; save it "
            "with the parameters that you train switched on"
        )
    return network


class Alone(nn.Module):
    """A network of a single layer, under the name of its class: layers are found by their names."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        name = str(getattr(layer, "original_name", ""))
        self._name = name if name.isidentifier() and not hasattr(self, name) else "layer"
        self.add_module(self._name, layer)
        self.train(layer.training)

    def forward(self, inputs: Tensor) -> Any:
        """The layer's output."""
        return self.get_submodule(self._name)(inputs)


class SelectOutput:
    """A forward hook that gives the chosen one of a network's outputs."""

    def __init__(self, name: OutputName | None) -> None:
        self._name = name

    def __call__(self, _network: nn.Module, _args: Any, output: Any) -> Tensor:
        """Raises InvalidUploadError if the choice does not lead to a tensor."""
        if isinstance(output, Tensor) and self._name is not None:
            raise InvalidUploadError(
                f'model.output is "{self._name}", but the network gives one tensor, of shape '
                f"{tuple(output.shape)}: leave model.output out"
            )
        chosen = _only(output) if self._name is None else self._member(output, self._name)
        if isinstance(chosen, Tensor):
            return chosen
        what = "the network gives" if self._name is None else f'its output "{self._name}" is'
        raise InvalidUploadError(
            f"{what} {described(chosen)}: choose one tensor with model.output (an index or a name)"
        )

    @staticmethod
    def _member(output: Any, name: OutputName) -> Any:
        try:
            if isinstance(output, Mapping) or isinstance(name, int):
                return output[name]
            return getattr(output, name) if name in getattr(output, "_fields", ()) else output[int(name)]
        except (KeyError, IndexError, TypeError, ValueError):
            raise InvalidUploadError(
                f'model.output is "{name}", but the network gives {described(output)}'
            ) from None


def _only(output: Any) -> Any:
    """What is alone in a tuple, list or dictionary; anything else as it is."""
    if isinstance(output, Mapping | tuple | list) and len(output) == 1:
        return next(iter(output.values())) if isinstance(output, Mapping) else output[0]
    return output


def described(value: Any) -> str:
    """What a network gave, in words: kinds, names and shapes."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        pairs = [f"{key!r}: {_shape(item)}" for key, item in list(value.items())[:10]]
        return f"a dictionary with {', '.join(pairs)}"
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", range(len(value)))
        members = [f"{name}: {_shape(item)}" for name, item in list(zip(names, value, strict=False))[:10]]
        return f"{len(value)} outputs ({', '.join(members)})"
    return f"a {type(value).__name__}"


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
