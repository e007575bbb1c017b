"""Finds out, once, how the measured layers hang together: whose output is whose input."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workers.probes.trace import LayerInfo


@dataclass(frozen=True)
class Survey:
    """The measured layers' modules and their inputs. A *tap* is a place where a tensor is measured: first the
    output of each layer, then the inputs of those layers whose input is not just another layer's output."""

    modules: tuple[nn.Module, ...]
    """Of each layer."""
    input_layers: tuple[int, ...]
    """Layers that have an input tap of their own."""
    input_tap: tuple[int | None, ...]
    """For each layer, the tap that measures its input; None where nothing can be measured there."""
    entries: tuple[int, ...]
    """For each tap, the number of entries of its tensor; 0 where there is none."""
    bytes: int
    """Memory of all tapped tensors."""


def first_tensor(value: Any) -> Tensor | None:
    """The floating-point tensor that a module takes or gives (the first of a tuple), if it has one."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) and value.is_floating_point() else None


def alias_input(args: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]] | None:
    """A module's arguments with its input as a graph node of its own, so that the gradient which reaches it
    is only what passes back through this module: a tensor that others use too gathers theirs as well."""
    inputs = args[0] if args else None
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return None
    alias = inputs.view_as(inputs)
    return alias, (alias, *args[1:])


def survey(network: nn.Module, layers: Sequence[LayerInfo], inputs: Tensor) -> Survey:
    """Run one forward pass in evaluation mode, which changes neither buffers nor random numbers, and look.

    `inputs` is a batch of the size that will be trained on. Raises ValueError for a layer that is not a
    module.
    """
    modules = tuple(_module(network, layer.name) for layer in layers)
    sighting = _watch_forward(network, modules, inputs)
    input_tap: list[int | None] = []
    input_layers: list[int] = []
    entries = [_entries(sighting.outputs.get(i)) for i in range(len(layers))]
    for index, layer in enumerate(layers):
        tensor = sighting.inputs.get(index)
        producer = sighting.producer_of(index)
        if producer is not None:
            input_tap.append(producer)
        elif tensor is not None and (tensor.requires_grad or layer.op == "activation"):
            input_tap.append(len(layers) + len(input_layers))
            input_layers.append(index)
            entries.append(_entries(tensor))
        else:
            input_tap.append(None)
    tensors = [*sighting.outputs.values(), *(sighting.inputs[i] for i in input_layers)]
    size = sum(t.numel() * t.element_size() for t in tensors)
    return Survey(modules, tuple(input_layers), tuple(input_tap), tuple(entries), size)


def _module(network: nn.Module, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        raise ValueError(f"the network has no module {name!r}") from None


def _entries(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.numel()


class _Sighting:
    """What one forward pass showed. Holds the pass's tensors, so that their identities stay unique."""

    def __init__(self) -> None:
        self.originals: dict[int, Tensor] = {}
        self.inputs: dict[int, Tensor] = {}
        self.outputs: dict[int, Tensor] = {}
        self._produced: dict[int, tuple[int, Tensor]] = {}
        self._maker: dict[int, int | None] = {}
        self._uses: Counter[tuple[Any, int]] = Counter()

    def takes(self, index: int, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        aliased = alias_input(args)
        if aliased is None:
            return None
        alias, new_args = aliased
        self.originals[index], self.inputs[index] = args[0], alias
        made = self._produced.get(id(args[0]))
        self._maker[index] = made[0] if made else None
        return new_args

    def gives(self, index: int, output: Any) -> None:
        tensor = first_tensor(output)
        if tensor is not None:
            self.outputs[index] = tensor
            self._produced[id(tensor)] = (index, tensor)

    def producer_of(self, index: int) -> int | None:
        """The layer whose output this layer takes and no other operation uses."""
        maker = self._maker.get(index)
        if maker is None:
            return None
        tensor = self.originals[index]
        alone = not tensor.requires_grad or self._uses[(tensor.grad_fn, tensor.output_nr)] == 1
        return maker if alone else None

    def count_uses(self, output: Any) -> None:
        """Count how often each node's results are used on the way to the network's output."""
        tensor = first_tensor(output)
        pending = [tensor.grad_fn] if tensor is not None and tensor.grad_fn is not None else []
        seen: set[Any] = set(pending)
        while pending:
            for node, number in pending.pop().next_functions:
                if node is None:
                    continue
                self._uses[(node, number)] += 1
                if node not in seen:
                    seen.add(node)
                    pending.append(node)


def _watch_forward(network: nn.Module, modules: Sequence[nn.Module], inputs: Tensor) -> _Sighting:
    sighting = _Sighting()
    handles = []
    for index, module in enumerate(modules):

        def takes(_module: nn.Module, args: tuple[Any, ...], index: int = index) -> tuple[Any, ...] | None:
            return sighting.takes(index, args)

        def gives(_module: nn.Module, _args: Any, output: Any, index: int = index) -> None:
            sighting.gives(index, output)

        handles += [module.register_forward_pre_hook(takes), module.register_forward_hook(gives)]
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.enable_grad():
            sighting.count_uses(network(inputs))
    finally:
        for module, mode in training.items():
            module.training = mode
        for handle in handles:
            handle.remove()
    return sighting
