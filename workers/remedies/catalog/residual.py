"""Residual connections around each layer that keeps the shape."""

import math
from collections.abc import Callable
from functools import partial

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer, LearnedScale, Residual
from service.contract.layers.normalization import BatchNorm, LayerNorm, Normalization
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.blocks import count_blocks, wrapped
from workers.remedies.catalog.normalizing import normalized
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy, each_applicable
from workers.remedies.catalog.rewriting import every_layer, plan_of, with_layers
from workers.remedies.catalog.uploads import require_batch_statistics, require_operation, with_changes

Block = Callable[[list[Layer], int], Layer]
"""(a block's layers, number of blocks) to the block."""


def _rezero(layers: list[Layer], _blocks: int) -> Layer:
    return Residual(layers=layers, scale=LearnedScale(learned=0.0))


def _plain(layers: list[Layer], blocks: int) -> Layer:
    """1/√depth bounds what the sum of all blocks adds to the signal and to the gradient (Yang & Schoenholz
    2017)."""
    return Residual(layers=layers, scale=1.0 / math.sqrt(blocks))


def _batch_norm(layers: list[Layer], blocks: int) -> Layer:
    return _plain(normalized(layers, BatchNorm()), blocks)


def _pre_norm(layers: list[Layer], blocks: int) -> Layer:
    """As in transformers (Xiong et al. 2020)."""
    return _plain([LayerNorm(), *layers], blocks)


VARIANTS: dict[str, tuple[Block, str]] = {
    "rezero": (_rezero, "each times a learned scale that starts at 0 (ReZero)"),
    "plain": (_plain, "each scaled by 1/√(number of blocks)"),
    "batch_norm": (_batch_norm, "each normalised over the batch and scaled by 1/√(number of blocks)"),
    "pre_norm": (_pre_norm, "each after a layer normalisation and scaled by 1/√(number of blocks)"),
}


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    if isinstance(request.model, UploadedModel):
        return _of_a_file(request, diagnosis)
    layers, plans = plan_of(request, diagnosis)
    blocks = count_blocks(layers, plans)
    if not blocks:
        raise NotApplicable(why_no_block(layers))
    normal = any(isinstance(layer, Normalization) for layer, _ in every_layer(layers))

    def change(block: Block) -> JobRequest:
        return with_layers(request, layers, wrapped(layers, plans, lambda inner: block(inner, blocks)))

    return each_applicable(
        "residual",
        {
            variant: (f"Identity shortcuts around {counted(blocks)}, {words}.", partial(change, block))
            for variant, (block, words) in VARIANTS.items()
            if not (normal and variant in {"batch_norm", "pre_norm"})
        },
    )


def _of_a_file(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    """How many blocks there are shows when it is loaded."""
    require_operation(diagnosis, "activation")
    return each_applicable(
        "residual",
        {
            variant: (
                f"Identity shortcuts around the layers that keep the shape, {words}.",
                partial(_with_shortcuts, request, variant),
            )
            for variant, (_, words) in VARIANTS.items()
        },
    )


def _with_shortcuts(request: JobRequest, variant: str) -> JobRequest:
    assert isinstance(request.model, UploadedModel)
    if variant == "batch_norm":
        require_batch_statistics(request.model)
    fields = {"rezero": {"scale": {"learned": 0.0}}, "plain": {}}.get(variant, {"norm": variant})
    return with_changes(request, {"kind": "shortcut", **fields})


def counted(blocks: int) -> str:
    """So many blocks, in words."""
    return "the layer that keeps the shape" if blocks == 1 else f"the {blocks} layers that keep the shape"


def why_no_block(layers: list[Layer]) -> str:
    """Why there is nothing to put a shortcut around."""
    if any(isinstance(layer, Residual) for layer, _ in every_layer(layers)):
        return "its layers have shortcuts already"
    return "no layer gives back the shape that it is given: sizes never repeat"


REMEDY = Remedy(
    "residual",
    _apply,
    invasiveness=5,
    conditions=frozenset({"forward_collapse", "not_learning", "poor_initialization", "vanishing_gradients"}),
)
