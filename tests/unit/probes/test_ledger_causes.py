"""The table of causes: nothing that a layer of ours does falls silently into `other`."""

import pytest
import torch

from service.contract.layers import LAYER_TYPES
from service.contract.layers.pointwise import ActivationFunction
from tests.unit.models.requests import FLATTEN, HEAD, network, spec, synthetic
from tests.unit.probes.ledgers import IMAGE, SEQUENCE, VECTOR, Written, activation, linear
from workers.probes.ledger.causes import cause_of_node
from workers.probes.ledger.graph import all_nodes
from workers.training.losses import LOSSES, loss_function


def every_op() -> list[tuple[list[Written], Written]]:
    """Each operation, with each function and cell that it may have, on what it takes."""
    tokens = synthetic(8, vocabulary=5)
    vectors = [linear(), {"op": "batch_norm"}, {"op": "layer_norm"}, {"op": "dropout", "probability": 0.3}]
    vectors += [activation(name) for name in ActivationFunction.__args__]  # type: ignore[attr-defined]
    vectors += [{"op": "residual", "layers": [linear()], "shortcut": "projection", "scale": 0.5}]
    pools: list[Written] = [{"op": f"{kind}_pool", "kernel_size": 2} for kind in ("max", "avg")]
    norms: list[Written] = [{"op": "batch_norm"}, {"op": "layer_norm"}, {"op": "group_norm", "groups": 2}]
    sequences = [*pools, *norms, {"op": "conv1d", "channels": 8}, linear(bias=False)]
    sequences += [{"op": "positional_encoding", "encoding": name} for name in ("sinusoidal", "learned")]
    sequences += [{"op": "attention", "heads": 2, "causal": causal} for causal in (False, True)]
    sequences += [
        {"op": "recurrent", "cell": cell, "units": 8, "return": "sequence"} for cell in ("rnn", "lstm", "gru")
    ]
    sequences += [
        {"op": "recurrent", "cell": "rnn", "nonlinearity": "relu", "units": 8, "return": "sequence"},
        {
            "op": "residual",
            "layers": [{"op": "conv1d", "channels": 8, "stride": 2}],
            "shortcut": "projection",
        },
    ]
    images = [*pools, *norms, {"op": "conv2d", "channels": 8}]
    images += [{"op": "residual", "layers": [{"op": "conv2d", "channels": 4}], "shortcut": "projection"}]
    mean = {"op": "global_avg_pool"}
    return [
        *(([linear(), op, HEAD], VECTOR) for op in vectors),
        *(([linear(), op, FLATTEN, HEAD], SEQUENCE) for op in sequences),
        *(([{"op": "conv2d", "channels": 8}, op, mean, HEAD], IMAGE) for op in images),
        ([{"op": "embedding", "units": 8}, mean, HEAD], tokens),
    ]


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
@pytest.mark.parametrize("written_out", [True, False])
def test_no_operation_of_any_layer_is_without_a_cause(
    precision: torch.dtype | None, written_out: bool
) -> None:
    seen: set[str] = set()
    ops: set[str] = set()
    for layers, data in every_op():
        net = network(spec(*layers), data)
        ops |= {layer["op"] for layer in layers}
        for module in net.modules():
            if written_out and hasattr(module, "time_tap"):
                module.time_tap = lambda _states: None
        inputs = torch.randn(4, *data["input_shape"])
        if "vocabulary" in data:
            inputs = torch.zeros(4, *data["input_shape"], dtype=torch.int64)
        with torch.autocast("cpu", dtype=precision or torch.bfloat16, enabled=precision is not None):
            outputs = net(inputs)
        for name in LOSSES:
            loss = loss_function(name)(outputs, torch.zeros(4, dtype=torch.int64))
            assert loss.grad_fn is not None
            nodes = all_nodes(loss.grad_fn, 10_000)
            assert nodes is not None
            seen |= {node.name() for node in nodes}

    assert ops == {kind.model_fields["op"].default for kind in LAYER_TYPES} - {"repeat"}
    assert {name for name in seen if cause_of_node(name) is None} == set()


def test_an_operation_that_is_not_in_the_table_is_known_as_that() -> None:
    assert cause_of_node("FancyNewBackward0") is None


def test_a_mask_that_multiplies_is_dropout_where_the_layer_is() -> None:
    assert cause_of_node("MulBackward0", "dropout") == "dropout"
    assert cause_of_node("MulBackward0", "recurrent") == "scale"
    assert cause_of_node("AddmmBackward0", "dropout") == "weights"
