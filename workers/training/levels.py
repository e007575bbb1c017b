"""The levels of a network: what is trained after one another where layers are trained one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from workers.probes.taps import first_tensor
from workers.probes.trace import LayerInfo
from workers.training.errors import TrainingError

COMPANIONS = frozenset(
    {
        "batch_norm",
        "embedding",
        "group_norm",
        "instance_norm",
        "layer_norm",
        "positional_encoding",
        "prelu",
        "rms_norm",
    }
)
"""Layers whose weights belong to the level that they stand in: they transform little by themselves."""


@dataclass(frozen=True)
class Level:
    """One level: a layer with weights and what follows up to the next such layer."""

    name: str
    """Name of its first layer."""
    entry: nn.Module
    """Its first layer: what it is given is what the level below makes of the inputs."""
    parameters: tuple[nn.Parameter, ...]
    """Its parameters that are trained."""


def levels_of(network: nn.Module, layers: Sequence[LayerInfo]) -> tuple[Level, ...]:
    """A network's levels in the order of the forward pass; the last one makes the outputs.

    A level begins at each layer with weights that every path passes through, a residual block being one such
    layer. Of shared weights the first use counts.
    """
    found: list[Level] = []
    waiting: tuple[nn.Module, str, tuple[nn.Parameter, ...]] | None = None
    claimed: set[nn.Parameter] = set()
    for layer in layers:
        module = network.get_submodule(layer.name)
        fresh = tuple(p for p in module.parameters() if p not in claimed)
        if not layer.on_spine or not fresh:
            continue
        claimed.update(fresh)
        trained = tuple(p for p in fresh if p.requires_grad)
        if layer.op not in COMPANIONS:
            entry, name, before = waiting or (module, layer.name, ())
            found.append(Level(name, entry, (*before, *trained)))
            waiting = None
        elif found:
            last = found[-1]
            found[-1] = Level(last.name, last.entry, (*last.parameters, *trained))
        else:
            entry, name, before = waiting or (module, layer.name, ())
            waiting = (entry, name, (*before, *trained))
    return tuple(found)


class _ReachedError(BaseException):
    """Ends a forward pass where enough is known. No Exception: nothing on the way takes it for a fault."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def given_to(network: nn.Module, module: nn.Module, inputs: Tensor) -> Tensor:
    """What `module` is given in a forward pass of `network`, which ends there. Raises TrainingError if it is
    no tensor of real numbers."""
    return _caught(network, inputs, module.register_forward_pre_hook(_stop_before))


def made_by(network: nn.Module, module: nn.Module, inputs: Tensor) -> Tensor:
    """What `module` makes in a forward pass of `network`, which ends there. Raises as `given_to`."""
    return _caught(network, inputs, module.register_forward_hook(_stop_after))


def _stop_before(_module: nn.Module, args: Any) -> None:
    raise _ReachedError(args)


def _stop_after(_module: nn.Module, _args: Any, output: Any) -> None:
    raise _ReachedError(output)


def _caught(network: nn.Module, inputs: Tensor, handle: Any) -> Tensor:
    try:
        network(inputs)
    except _ReachedError as reached:
        tensor = first_tensor(reached.value)
        if tensor is None:
            raise TrainingError(
                "a layer is given no tensor of real numbers: tokens, for one, cannot be reconstructed"
            ) from None
        return tensor
    finally:
        handle.remove()
    raise TrainingError("the forward pass does not reach all of its layers")
