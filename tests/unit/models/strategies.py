"""Random model specs that make sense: every op, nested, on every kind of data."""

from typing import Any

from hypothesis import strategies as st

from service.contract.layers.pointwise import ActivationFunction
from tests.unit.models.requests import FLATTEN, HEAD, Written, spec, synthetic

SMALL = st.integers(1, 3)
FEATURES = st.sampled_from([2, 4, 6])
WEIGHTS = st.sampled_from(["torch_default", "he_normal", {"name": "xavier_uniform", "gain": 2.0}])
ANY_RANK: list[Written] = [
    *({"op": "activation", "function": name} for name in ActivationFunction.__args__),  # type: ignore[attr-defined]
    {"op": "batch_norm"},
    {"op": "batch_norm", "affine": False},
    {"op": "layer_norm"},
    {"op": "layer_norm", "affine": False},
    {"op": "dropout", "probability": 0.3},
]
SEQUENCE_ONLY: list[Written] = [
    {"op": "positional_encoding"},
    {"op": "positional_encoding", "encoding": "learned"},
    {"op": "attention", "heads": 2},
    {"op": "attention", "causal": True, "bias": False, "trainable": False},
    {"op": "group_norm", "groups": 2},
]


@st.composite
def linear(draw: Any) -> Written:
    return {"op": "linear", "units": draw(FEATURES), "bias": draw(st.booleans()), "init": draw(WEIGHTS)}


@st.composite
def convolution(draw: Any, op: str) -> Written:
    return {
        "op": op,
        "channels": draw(FEATURES),
        "kernel_size": draw(SMALL),
        "stride": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 2)),
        "groups": draw(st.integers(1, 2)),
        "bias": draw(st.booleans()),
    }


@st.composite
def pool(draw: Any) -> Written:
    size = draw(SMALL)
    return {
        "op": draw(st.sampled_from(["max_pool", "avg_pool"])),
        "kernel_size": size,
        "stride": draw(st.sampled_from([None, 1, 2])),
        "padding": draw(st.integers(0, size // 2)),
    }


@st.composite
def recurrent(draw: Any, returns: str) -> Written:
    cell = draw(st.sampled_from(["rnn", "lstm", "gru"]))
    return {
        "op": "recurrent",
        "cell": cell,
        "units": draw(FEATURES),
        "return": returns,
        "bias": draw(st.booleans()),
    }


LAYERS: dict[str, st.SearchStrategy[Written]] = {
    "vector": linear() | st.sampled_from(ANY_RANK),
    "sequence": linear()
    | convolution("conv1d")
    | pool()
    | recurrent("sequence")
    | st.sampled_from(ANY_RANK + SEQUENCE_ONLY),
    "image": convolution("conv2d") | pool() | st.sampled_from([*ANY_RANK, {"op": "group_norm", "groups": 1}]),
}
"""Layers that keep the kind of what they are given."""
TO_VECTOR: dict[str, st.SearchStrategy[list[Written]]] = {
    "vector": st.just([]),
    "sequence": st.sampled_from([[FLATTEN], [{"op": "global_avg_pool"}]])
    | recurrent("last").map(lambda r: [r]),
    "image": st.sampled_from([[FLATTEN], [{"op": "global_avg_pool"}]]),
}
SAMPLES: dict[str, Written] = {
    "vector": synthetic(6),
    "sequence": synthetic(9, 4),
    "image": synthetic(2, 8, 7),
    "tokens": synthetic(9, vocabulary=5),
}


def block(kind: str) -> st.SearchStrategy[list[Written]]:
    return st.recursive(
        st.lists(LAYERS[kind], min_size=1, max_size=3),
        lambda inner: st.lists(_container(inner) | LAYERS[kind], min_size=1, max_size=3),
        max_leaves=3,
    )


@st.composite
def _container(draw: Any, inner: st.SearchStrategy[list[Written]]) -> Written:
    layers = draw(inner)
    if draw(st.booleans()):
        return {"op": "repeat", "times": draw(st.integers(1, 3)), "layers": layers}
    scale = draw(st.sampled_from([1.0, 0.5, {"learned": 0.0}]))
    return {"op": "residual", "layers": layers, "shortcut": "projection", "scale": scale}


@st.composite
def models_and_data(draw: Any) -> tuple[Written, Written]:
    """A spec and the data it is for."""
    kind = draw(st.sampled_from(sorted(SAMPLES)))
    start = [{"op": "embedding", "units": 4}] if kind == "tokens" else []
    flow = "sequence" if kind == "tokens" else kind
    layers = [*start, *draw(block(flow)), *draw(TO_VECTOR[flow]), *draw(st.just([]) | block("vector")), HEAD]
    return spec(*layers), SAMPLES[kind]
