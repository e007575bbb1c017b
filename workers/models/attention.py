"""Attention."""

from torch import Generator, Tensor, nn
from torch.nn import functional

from service.contract.expansion import PlannedLayer
from service.contract.layers.attention import Attention
from workers.models.initialization import initialize_weight_and_bias
from workers.models.registry import builds


class SelfAttention(nn.Module):
    """Multi-head self-attention over sequences (batch, time, features) (Vaswani et al. 2017, §3.2)."""

    def __init__(self, features: int, heads: int, *, causal: bool, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.query_key_value = nn.Linear(features, 3 * features, bias=bias)
        self.projection = nn.Linear(features, features, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        batch, time, features = inputs.shape
        heads = self.query_key_value(inputs).view(batch, time, 3, self.heads, features // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        joined: Tensor = self.projection(attended.transpose(1, 2).reshape(batch, time, features))
        return joined


@builds(Attention)
def _attention(spec: Attention, plan: PlannedLayer, generator: Generator) -> nn.Module:
    module = SelfAttention(plan.given.features, spec.heads, causal=spec.causal, bias=spec.bias)
    for linear, blocks in ((module.query_key_value, 3), (module.projection, 1)):
        initialize_weight_and_bias(linear.weight, linear.bias, spec, generator, blocks)
    return module
