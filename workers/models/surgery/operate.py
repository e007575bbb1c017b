"""Each kind of change, made to a network's modules."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from service.contract.layers import LearnedScale
from service.contract.layers.initializers import Zeros
from service.contract.layers.pointwise import Activation
from service.contract.model_changes import (
    ActivationChange,
    InitializationChange,
    ModelChange,
    NormalizationChange,
    ShortcutChange,
    UnfreezeChange,
)
from workers.models.initialization import fan_in_uniform, initialize, seeded_generator
from workers.models.pointwise import FUNCTIONS
from workers.models.residual import Residual, build_gate
from workers.models.surgery.anatomy import NORMS, WEIGHTED, Anatomy, Part, replace
from workers.models.surgery.norms import batch_norm_for, feature_axis, layer_norm_for
from workers.uploads.errors import InvalidUploadError


@dataclass(frozen=True)
class _Operation:
    """What every change works on."""

    network: nn.Module
    anatomy: Anatomy
    seed: int


def apply_changes(network: nn.Module, changes: Sequence[ModelChange], inputs: Tensor, seed: int) -> None:
    """Make the changes one after another, in place. `inputs` is a batch that shows how its modules hang
    together; new parameters are drawn from `seed`, without the global random numbers.

    Raises InvalidUploadError for a change that finds nothing to be made to.
    """
    with torch.random.fork_rng(devices=[]):
        for change in changes:
            _MAKERS[type(change)](change, _Operation(network, Anatomy(network, inputs), seed))


def _activation(change: ActivationChange, on: _Operation) -> None:
    last = on.anatomy.head
    hidden = [*on.anatomy.hidden("activation"), *on.anatomy.shared]
    found = [part for part in hidden if part.info.function in FUNCTIONS and part.info.op == "activation"]
    if not found or last is None:
        raise InvalidUploadError("it has no activation layer before the last layer with weights")
    for module in dict.fromkeys(part.module for part in found):
        replace(on.network, module, FUNCTIONS[change.function](Activation(function=change.function)))


def _initialization(change: InitializationChange, on: _Operation) -> None:
    found = [part for part in on.anatomy.hidden(*WEIGHTED) if _weight(part) is not None]
    if not found:
        raise InvalidUploadError("it has no linear or convolutional layer before the last")
    for part in found:
        weight, bias = _weight(part), getattr(part.module, "bias", None)
        assert weight is not None
        generator = seeded_generator(on.seed, part.info.name)
        initialize(weight, change.init, fan_in_uniform(weight), generator)
        if isinstance(bias, nn.Parameter):
            initialize(bias, Zeros(), fan_in_uniform(weight), generator)


def _weight(part: Part) -> nn.Parameter | None:
    weight = getattr(part.module, "weight", None)
    return weight if isinstance(weight, nn.Parameter) and weight.dim() >= 2 else None


def _normalization(change: NormalizationChange, on: _Operation) -> None:
    make = {"batch_norm": batch_norm_for, "layer_norm": layer_norm_for}[change.norm]
    done = 0
    for part in on.anatomy.hidden("activation"):
        maker = on.anatomy.maker(part)
        if maker is None or maker.info.op in NORMS:
            continue
        replace(on.network, part.module, nn.Sequential(make(part.given, maker.info.op), part.module))
        done += 1
    if not done:
        raise InvalidUploadError("no activation of its own follows a layer without a normalisation")


def _shortcut(change: ShortcutChange, on: _Operation) -> None:
    blocks = [block for part in on.anatomy.hidden(*WEIGHTED) if (block := _block(part, on.anatomy))]
    if not blocks:
        raise InvalidUploadError(
            "no layer with weights, together with its activation, gives back the shape that it is given"
        )
    for block in blocks:
        first = block[0]
        wrapped = Residual(
            _inside(change, block), None, _scale(change, len(blocks)), _gate(change, first, on)
        )
        for part in block[1:]:
            replace(on.network, part.module, nn.Identity())
        replace(on.network, first.module, wrapped)


def _block(part: Part, anatomy: Anatomy) -> list[Part] | None:
    """A layer with weights, normalisations and dropout after it, and its activation; None if they are not
    all on every path, or do not keep the shape."""
    block = [part]
    while block[-1].info.op != "activation":
        after = anatomy.taker(block[-1])
        if after is None or after.info.op not in {*NORMS, "dropout", "activation"}:
            return None
        block.append(after)
    on_every_path = all(p.info.on_spine for p in block)
    return block if on_every_path and part.given.shape == block[-1].output.shape else None


def _inside(change: ShortcutChange, block: list[Part]) -> list[nn.Module]:
    first, modules = block[0], [part.module for part in block]
    if change.norm == "pre_norm":
        return [layer_norm_for(first.given, first.info.op), *modules]
    if change.norm == "batch_norm" and not any(part.info.op in NORMS for part in block):
        modules.insert(1, batch_norm_for(first.output, first.info.op))
    return modules


def _scale(change: ShortcutChange, blocks: int) -> float | nn.Parameter:
    if isinstance(change.scale, LearnedScale):
        return nn.Parameter(torch.tensor(change.scale.learned))
    return 1.0 if change.gate is not None else 1.0 / math.sqrt(blocks)


def _gate(change: ShortcutChange, first: Part, on: _Operation) -> nn.Module | None:
    if change.gate is None:
        return None
    axis = feature_axis(first.info.op)
    kind = {1: first.given.dim()}.get(axis, 2)
    generator = seeded_generator(on.seed, f"{first.info.name}.gate")
    return build_gate(change.gate, first.given.shape[axis], kind, generator)


def _unfreeze(_: UnfreezeChange, on: _Operation) -> None:
    frozen = [parameter for parameter in on.network.parameters() if not parameter.requires_grad]
    if not frozen:
        raise InvalidUploadError("no parameter is frozen")
    for parameter in frozen:
        parameter.requires_grad_(True)


_MAKERS: Mapping[type[Any], Callable[[Any, _Operation], None]] = {
    ActivationChange: _activation,
    InitializationChange: _initialization,
    NormalizationChange: _normalization,
    ShortcutChange: _shortcut,
    UnfreezeChange: _unfreeze,
}
"""What makes each kind of change."""
