"""Getting hold of the tensors between layers without changing what the network computes.

A *tap* is a place where a tensor is measured: first the output of each layer, then the inputs of those layers
whose input is not just another layer's output.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

Seen = Callable[[int, Tensor], None]
"""Called with a tap and its tensor, in the order of the forward pass."""


@dataclass(frozen=True)
class Wiring:
    """Where a network is tapped, and where that needs care.

    A module that is called several times in a pass (an activation that layers share, a cell in a loop) is
    tapped at its first call. Where a later operation changes a tapped tensor in place (`x += y`,
    `ReLU(inplace=True)`), the tap keeps the tensor and the network goes on with a copy of it.
    """

    root: nn.Module
    """The network, whose forward pass is one pass."""
    modules: tuple[nn.Module, ...]
    """Of each layer."""
    input_layers: tuple[int, ...] = ()
    """Layers that have an input tap of their own."""
    shared: frozenset[int] = frozenset()
    """Layers whose module is called more than once."""
    overwritten_outputs: frozenset[int] = frozenset()
    """Layers whose output is changed in place later."""
    overwritten_inputs: frozenset[int] = frozenset()
    """Layers whose input is changed in place, by themselves or later."""

    def attach(self, seen: Seen) -> list[RemovableHandle]:
        """Call `seen` with each tapped floating-point tensor of every forward pass, until the handles are
        removed."""
        passed: set[int] = set()
        handles = []
        if self.shared:
            handles.append(self.root.register_forward_pre_hook(lambda *_: passed.clear()))
        for layer, module in enumerate(self.modules):
            handles.append(module.register_forward_hook(self._output_hook(layer, seen, passed)))
        for number, layer in enumerate(self.input_layers):
            hook = self._input_hook(layer, len(self.modules) + number, seen, passed)
            handles.append(self.modules[layer].register_forward_pre_hook(hook))
        return handles

    def _output_hook(self, layer: int, seen: Seen, passed: set[int]) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            tensor = output if type(output) is Tensor else first_tensor(output)
            if tensor is not None:
                seen(layer, tensor)

        def careful_hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            tensor = first_tensor(output)
            if tensor is None or layer in passed:
                return None
            passed.add(layer) if layer in self.shared else None
            seen(layer, tensor)
            return with_first(output, tensor.clone()) if layer in self.overwritten_outputs else None

        return careful_hook if layer in self.shared | self.overwritten_outputs else hook

    def _input_hook(self, layer: int, tap: int, seen: Seen, passed: set[int]) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if tap in passed:
                return None
            aliased = alias_input(args, copied=layer in self.overwritten_inputs)
            if aliased is None:
                return None
            if layer in self.shared:
                passed.add(tap)
            seen(tap, aliased[0])
            return aliased[1]

        return hook


def first_tensor(value: Any) -> Tensor | None:
    """The floating-point tensor that a module takes or gives (the first of a tuple), if it has one."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) and value.is_floating_point() else None


def with_first(value: Any, tensor: Tensor) -> Any:
    """`value` with `tensor` in the place of its `first_tensor`."""
    if isinstance(value, Tensor):
        return tensor
    if hasattr(value, "_replace"):  # a named tuple
        return type(value)(tensor, *value[1:])
    return type(value)([tensor, *value[1:]])


def alias_input(args: tuple[Any, ...], *, copied: bool = False) -> tuple[Tensor, tuple[Any, ...]] | None:
    """A module's input as a graph node of its own, and the arguments to call it with: so the gradient which
    reaches the input is only what passes back through this module; a tensor that others use too gathers
    theirs as well. `copied`: in memory of its own, as the module's or a later operation writes to it."""
    inputs = args[0] if args else None
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return None
    if not copied:
        alias = inputs.view_as(inputs)
        return alias, (alias, *args[1:])
    alias = inputs.clone()
    return alias, (alias.clone(), *args[1:])


def inspect(network: nn.Module, modules: Sequence[nn.Module], inputs: Tensor) -> tuple[Wiring, Any]:
    """Watch one forward pass and find out where tapping needs care; gives the pass's output, too."""
    watch = _Inspection(len(modules))
    handles = []
    for layer, module in enumerate(modules):
        handles.append(module.register_forward_pre_hook(watch.takes(layer)))
        handles.append(module.register_forward_hook(watch.gives(layer)))
    try:
        output = network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return watch.wiring(network, tuple(modules)), output


class _Inspection:
    """Each layer's calls, and the tensors of the first one with the versions that they had then. A tensor's
    version grows with every change in place."""

    def __init__(self, layers: int) -> None:
        self._calls = [0] * layers
        self._inputs: dict[int, tuple[Tensor, int]] = {}
        self._outputs: dict[int, tuple[Tensor, int]] = {}

    def takes(self, layer: int) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...]) -> None:
            self._calls[layer] += 1
            tensor = first_tensor(args[0]) if args else None
            if tensor is not None:
                self._inputs.setdefault(layer, (tensor, tensor._version))

        return hook

    def gives(self, layer: int) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is not None:
                self._outputs.setdefault(layer, (tensor, tensor._version))

        return hook

    def wiring(self, network: nn.Module, modules: tuple[nn.Module, ...]) -> Wiring:
        return Wiring(
            network,
            modules,
            shared=frozenset(layer for layer, calls in enumerate(self._calls) if calls > 1),
            overwritten_outputs=_changed(self._outputs),
            overwritten_inputs=_changed(self._inputs),
        )


def _changed(seen: dict[int, tuple[Tensor, int]]) -> frozenset[int]:
    return frozenset(layer for layer, (tensor, version) in seen.items() if tensor._version != version)
