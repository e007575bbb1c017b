"""Which function builds which layer."""

from collections.abc import Callable
from typing import Any, TypeVar

from torch import Generator, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers import LayerSpec

Spec = TypeVar("Spec", bound=LayerSpec)
Builder = Callable[[Spec, PlannedLayer, Generator], nn.Module]
"""(what was asked for, its plan, source of its first values) to a module."""

BUILDERS: dict[type[LayerSpec], Builder[Any]] = {}
"""The builder of each layer type."""


def builds(spec: type[Spec]) -> Callable[[Builder[Spec]], Builder[Spec]]:
    """Register the decorated function as the builder of a layer type."""

    def register(builder: Builder[Spec]) -> Builder[Spec]:
        BUILDERS[spec] = builder
        return builder

    return register
