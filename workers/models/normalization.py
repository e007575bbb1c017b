"""Normalisation layers. PyTorch's own first values, weight 1 and bias 0, are the contract's."""

from torch import Generator, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from workers.models.over_time import BatchNormOverTime, GroupNormOverTime
from workers.models.registry import builds

_BATCH_NORMS = {"vector": nn.BatchNorm1d, "sequence": BatchNormOverTime, "image": nn.BatchNorm2d}


@builds(BatchNorm)
def _batch_norm(spec: BatchNorm, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    kind = _BATCH_NORMS[plan.given.kind]
    return kind(plan.given.features, eps=spec.epsilon, momentum=spec.momentum, affine=spec.affine)


@builds(LayerNorm)
def _layer_norm(spec: LayerNorm, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    normalized = plan.given.shape if plan.given.kind == "image" else plan.given.shape[-1:]
    return nn.LayerNorm(normalized, eps=spec.epsilon, elementwise_affine=spec.affine)


@builds(GroupNorm)
def _group_norm(spec: GroupNorm, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    kind = GroupNormOverTime if plan.given.kind == "sequence" else nn.GroupNorm
    return kind(spec.groups, plan.given.features, eps=spec.epsilon, affine=spec.affine)
