"""From an uploaded file to a network that can be trained and measured."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from torch import Tensor, nn

from service.contract.model_spec import ExportedModel, OutputName, TorchScriptModel, UploadedModel
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
    """The network in the file, float32 on the CPU, with one tensor as output.

    Raises UploadError.
    """
    network = _LOADERS[type(model)](file).float()
    network.register_forward_hook(SelectOutput(model.output))
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InvalidUploadError(
            "no parameter is trained: the file has none, or all have requires_grad switched off; save it "
            "with the parameters that you train switched on"
        )
    return network


class SelectOutput:
    """A forward hook that gives the chosen one of a network's outputs."""

    def __init__(self, name: OutputName | None) -> None:
        self._name = name

    def __call__(self, _network: nn.Module, _args: Any, output: Any) -> Tensor:
        """Raises InvalidUploadError if the choice does not lead to a tensor."""
        chosen = output if self._name is None else self._member(output, self._name)
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
