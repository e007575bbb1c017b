"""Finds out, once, how the measured layers hang together: whose output is whose input."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from workers.probes.taps import Wiring, alias_input, first_tensor, inspect, with_first
from workers.probes.trace import LayerInfo


@dataclass(frozen=True)
class Survey:
    """The measured layers and their taps."""

    wiring: Wiring
    """Where the taps are."""
    input_tap: tuple[int | None, ...]
    """For each layer, the tap that measures its input; None where nothing can be measured there."""
    entries: tuple[int, ...]
    """For each tap, the number of entries of its tensor; 0 where there is none."""
    bytes: int
    """Memory of all tapped tensors."""

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """Of each layer."""
        return self.wiring.modules


def survey(network: nn.Module, layers: Sequence[LayerInfo], inputs: Tensor) -> Survey:
    """Run a few forward passes in evaluation mode, which change neither buffers nor random numbers; look.

    `inputs` is a batch of the size that will be trained on. Raises ValueError for a layer that is not a
    module.
    """
    modules = tuple(_module(network, layer.name) for layer in layers)
    with in_evaluation_mode(network), torch.enable_grad():
        wiring, plain = inspect(network, modules, inputs)
        sighting = _watch_forward(wiring, inputs, everywhere=True)
        if wiring.overwritten_inputs and not _same(sighting.output, plain):
            # Somebody relies on a layer that changes its input in place: that input is left alone.
            sighting = _watch_forward(wiring, inputs, everywhere=False)
    return _survey(wiring, layers, sighting)


def _survey(wiring: Wiring, layers: Sequence[LayerInfo], sighting: "_Sighting") -> Survey:
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
    tapped = replace(wiring, input_layers=tuple(input_layers))
    return Survey(tapped, tuple(input_tap), tuple(entries), size)


@contextmanager
def in_evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Each module's mode is put back afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _module(network: nn.Module, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        raise ValueError(f"the network has no module {name!r}") from None


def _entries(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.numel()


def _same(output: Any, other: Any) -> bool:
    first, second = first_tensor(output), first_tensor(other)
    if first is None or second is None:
        return first is second
    return torch.equal(first.nan_to_num(), second.nan_to_num())


class _Sighting:
    """What one forward pass showed. Holds the pass's tensors, so that their identities stay unique."""

    def __init__(self) -> None:
        self.originals: dict[int, Tensor] = {}
        self.inputs: dict[int, Tensor] = {}
        self.outputs: dict[int, Tensor] = {}
        self.output: Any = None
        self._produced: dict[int, tuple[int, Tensor]] = {}
        self._maker: dict[int, int | None] = {}
        self._uses: Counter[tuple[Any, int]] = Counter()

    def takes(self, index: int, args: tuple[Any, ...], *, copied: bool) -> tuple[Any, ...] | None:
        aliased = alias_input(args, copied=copied)
        if aliased is None or index in self.inputs:
            return None
        alias, new_args = aliased
        self.originals[index], self.inputs[index] = args[0], alias
        made = self._produced.get(id(args[0]))
        self._maker[index] = made[0] if made else None
        return new_args

    def gives(self, index: int, output: Any, *, copied: bool) -> Any:
        tensor = first_tensor(output)
        if tensor is None or index in self.outputs:
            return None
        self.outputs[index] = tensor
        passed_on = tensor.clone() if copied else tensor
        self._produced[id(passed_on)] = (index, passed_on)
        return with_first(output, passed_on) if copied else None

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
        self.output = output
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


def _watch_forward(wiring: Wiring, inputs: Tensor, *, everywhere: bool) -> _Sighting:
    """`everywhere`: also at inputs that are changed in place."""
    sighting = _Sighting()
    handles = []
    for index, module in enumerate(wiring.modules):

        def takes(_module: nn.Module, args: tuple[Any, ...], index: int = index) -> tuple[Any, ...] | None:
            copied = index in wiring.overwritten_inputs
            return sighting.takes(index, args, copied=copied) if everywhere or not copied else None

        def gives(_module: nn.Module, _args: Any, output: Any, index: int = index) -> Any:
            return sighting.gives(index, output, copied=index in wiring.overwritten_outputs)

        handles += [module.register_forward_pre_hook(takes), module.register_forward_hook(gives)]
    try:
        sighting.count_uses(wiring.root(inputs))
    finally:
        for handle in handles:
            handle.remove()
    return sighting
