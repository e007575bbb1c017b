"""From a plan to a network."""

from importlib import import_module

import torch
from torch import Generator, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers import LayerSpec, ParametricLayer, Repeat, Residual
from service.contract.planning import NetworkPlan
from workers.models.initialization import freeze, seeded_generator
from workers.models.registry import BUILDERS
from workers.models.residual import build_residual
from workers.probes.trace import LayerInfo

_FAMILIES = ("attention", "convolution", "dense", "normalization", "pointwise", "pooling", "recurrent")
for _family in _FAMILIES:  # each registers the builders of its layers
    import_module(f"workers.models.{_family}")


def build_network(plan: NetworkPlan, seed: int) -> nn.Module:
    """The network, float32 on the CPU, with the module paths of the plan.

    Each layer draws its first values from a source of its own, made from the seed and its name: a change in
    one layer leaves the others' values as they were. The global random state is left alone.
    """
    with torch.random.fork_rng(devices=[]):
        return nn.Sequential(*(_build(layer, seed) for layer in plan.tree))


def layer_infos(plan: NetworkPlan) -> tuple[LayerInfo, ...]:
    """What is measured: the plan's layers in the order in which the forward pass finishes them."""
    return tuple(
        LayerInfo(
            name=layer.name,
            op=layer.op,
            function=getattr(layer.spec, "function", None) or getattr(layer.spec, "cell", None),
            parameters=layer.parameters,
            trainable=layer.trainable_parameters > 0,
            on_spine=layer.on_spine,
            output_shape=layer.output.shape,
        )
        for layer in plan.layers
    )


def _build(layer: PlannedLayer, seed: int) -> nn.Module:
    children = [_build(child, seed) for child in layer.children]
    if layer.spec is None or isinstance(layer.spec, Repeat):
        return nn.Sequential(*children)
    module, own = _module(layer.spec, layer, children, seeded_generator(seed, layer.name))
    if isinstance(layer.spec, ParametricLayer) and not layer.spec.trainable:
        freeze(own)
    return module


def _module(
    spec: LayerSpec, plan: PlannedLayer, children: list[nn.Module], generator: Generator
) -> tuple[nn.Module, list[nn.Parameter]]:
    """A layer's module and the parameters that are its own."""
    if isinstance(spec, Residual):
        block = build_residual(spec, plan, children, generator)
        return block, block.own_parameters()
    module = BUILDERS[type(spec)](spec, plan, generator)
    return module, list(module.parameters())
