"""`.pt2` archives that are made to do harm. PyTorch's own loader runs some of them."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.contract.errors import ErrorCode
from tests.support.hostile.arrays import Command
from tests.support.hostile.hostile import Hostile, Stage
from tests.support.hostile.writing import WEIGHTS, WIDTH, zipped

UNSAFE, INVALID = ErrorCode.UNSAFE_CHECKPOINT, ErrorCode.MODEL_INVALID
_FLOAT32, _STRIDED = 7, 7
_HUGE = 2**40

Json = dict[str, Any]


def _sizes(*sizes: int) -> list[Json]:
    return [{"as_int": size} for size in sizes]


def meta(
    shape: tuple[int, ...] = (WIDTH, WIDTH), strides: tuple[int, ...] = (WIDTH, 1), offset: int = 0
) -> Json:
    """What a tensor is said to be."""
    return {
        "dtype": _FLOAT32,
        "sizes": _sizes(*shape),
        "requires_grad": True,
        "device": {"type": "cpu", "index": None},
        "strides": _sizes(*strides),
        "storage_offset": {"as_int": offset},
        "layout": _STRIDED,
    }


def weight(path_name: str = "weight_0", use_pickle: bool = False, **described: Any) -> Json:
    """The config of the weights."""
    return {
        "path_name": path_name,
        "is_param": True,
        "use_pickle": use_pickle,
        "tensor_meta": meta(**described),
    }


def tensor(name: str) -> Json:
    return {"as_tensor": {"name": name}}


def step(target: str, arguments: list[Json], output: str, stack: str = "") -> Json:
    """A step of a graph."""
    return {
        "target": target,
        "inputs": [{"name": f"a{at}", "arg": arg, "kind": 1} for at, arg in enumerate(arguments)],
        "outputs": [tensor(output)],
        "metadata": {"nn_module_stack": stack or "L__self__,,Net"},
    }


_LINEAR = step("torch.ops.aten.linear.default", [tensor("x"), tensor("p_weight")], "y")


def archive(
    *steps: Json, more: dict[str, bytes] | None = None, config: Json | None = None, **changes: Any
) -> bytes:
    """A `.pt2` archive of a linear layer with these steps before it; `changes` are to its graph."""
    batch = {"as_expr": {"expr_str": "Symbol('s0', positive=True, integer=True)", "hint": {"as_int": 2}}}
    graph = {
        "inputs": [tensor("p_weight"), tensor("x")],
        "outputs": [tensor("y")],
        "nodes": [*steps, _LINEAR],
        "tensor_values": {"x": {**meta(), "sizes": [batch, {"as_int": WIDTH}]}},
        "sym_int_values": {},
        **changes,
    }
    signature = {
        "input_specs": [
            {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "weight"}},
            {"user_input": {"arg": tensor("x")}},
        ],
        "output_specs": [{"user_output": {"arg": tensor("y")}}],
    }
    program = {
        "graph_module": {"graph": graph, "signature": signature, "module_call_graph": []},
        "schema_version": {"major": 8, "minor": 20},
    }
    weights = {"config": {"weight": weight()}} if config is None else config
    return zipped(
        {
            "archive/archive_format": b"pt2",
            "archive/models/model.json": json.dumps(program).encode(),
            "archive/data/weights/model_weights_config.json": json.dumps(weights).encode(),
            "archive/data/weights/weight_0": WEIGHTS,
            "archive/data/constants/model_constants_config.json": b'{"config": {}}',
            **(more or {}),
        }
    )


def _pickled_weight(canary: Path) -> bytes:
    return archive(
        config={"config": {"weight": weight(use_pickle=True)}},
        more={"archive/data/weights/weight_0": pickle.dumps(Command(canary))},
    )


def _pickled_samples(canary: Path) -> bytes:
    return archive(more={"archive/data/sample_inputs/model.pt": pickle.dumps(Command(canary))})


def _pickled_constant(prefix: str) -> Callable[[Path], bytes]:
    def make(canary: Path) -> bytes:
        config = {"config": {"c": weight(prefix + "0")}}
        return archive(
            more={
                "archive/data/constants/model_constants_config.json": json.dumps(config).encode(),
                f"archive/data/constants/{prefix}0": pickle.dumps(Command(canary)),
            }
        )

    return make


def _evaluated_size(canary: Path) -> bytes:
    """PyTorch hands the text to `sympify`, which evaluates it."""
    expression = {"expr_str": f"open({str(canary)!r}, 'w')", "hint": {"as_int": 2}}
    value = {**meta(), "sizes": [{"as_expr": expression}, {"as_int": WIDTH}]}
    return archive(tensor_values={"x": value}, sym_int_values={"s": {"as_expr": expression}})


def _calling(target: str, *arguments: Json) -> Callable[[Path], bytes]:
    def make(canary: Path) -> bytes:
        given = [
            {"as_string": str(canary)} if argument == {"as_string": ""} else argument
            for argument in arguments
        ]
        return archive(step(target, given, "z"))

    return make


def _results(described: Json, *names: str) -> Json:
    """The step with several results."""
    return {**described, "outputs": [tensor(name) for name in names]}


def _changed_unseen(target: str, *arguments: Json, results: list[Json]) -> Callable[[Path], bytes]:
    """The positions that a max-pooling keeps for its backward pass are changed by way of an alias of them."""

    def make(_canary: Path) -> bytes:
        ones = {"as_ints": [1, 1]}
        alias = {**step(target, [tensor("positions"), *arguments], "part"), "outputs": results}
        pooling = step("torch.ops.aten.max_pool2d_with_indices.default", [tensor("h2"), ones, ones], "")
        return archive(
            nodes=[
                step("torch.ops.aten.linear.default", [tensor("x"), tensor("p_weight")], "h"),
                step("torch.ops.aten.unsqueeze.default", [tensor("h"), {"as_int": 0}], "h1"),
                step("torch.ops.aten.unsqueeze.default", [tensor("h1"), {"as_int": 0}], "h2"),
                _results(pooling, "pooled", "positions"),
                alias,
                step("torch.ops.aten.fill_.Scalar", [tensor("part"), {"as_int": 10**9}], "filled"),
                step("torch.ops.aten.reshape.default", [tensor("pooled"), {"as_ints": [-1, WIDTH]}], "y"),
            ]
        )

    return make


def _batch_norm(channels: int, *statistics: Json, training: bool) -> Callable[[Path], bytes]:
    """Batch normalisation of this many channels with these statistics."""
    none = {"as_none": True}
    numbers = [{"as_bool": training}, {"as_float": 0.1}, {"as_float": 1e-5}]
    native = "torch.ops.aten.native_batch_norm.default"
    return lambda _canary: archive(
        step("torch.ops.aten.zeros.default", [{"as_ints": [2, channels]}], "wide"),
        step("torch.ops.aten.zeros.default", [{"as_ints": [1]}], "one"),
        _results(step(native, [tensor("wide"), none, none, *statistics, *numbers], ""), "n", "m", "v"),
    )


def _named(target: str, *positional: Json, **named: Json) -> Callable[[Path], bytes]:
    """Arguments by name that usually have a place."""
    described = step(target, list(positional), "z")
    described["inputs"] += [{"name": name, "arg": arg, "kind": 2} for name, arg in named.items()]
    return lambda _canary: archive(described)


def _deep_json(_canary: Path) -> bytes:
    return archive(more={"archive/models/model.json": b"[" * 500_000})


def _deep_modules(_canary: Path) -> bytes:
    path = ""
    stack = ["L__self__,,Net"]
    for level in range(1000):
        path += f".m{level}"
        stack.append(f"k{level},{path[1:]},Net")
    return archive(step("torch.ops.aten.relu.default", [tensor("x")], "z", ";".join(stack)))


def _strange_name(_canary: Path) -> bytes:
    return archive(step("torch.ops.aten.relu.default", [tensor("x")], "z", "L__self__,,N;k,forward,N"))


def _weights(**described: Any) -> Callable[[Path], bytes]:
    return lambda _canary: archive(config={"config": {"weight": weight(**described)}})


def _exported(
    name: str,
    tries: str,
    make: Callable[[Path], bytes],
    code: ErrorCode | None = UNSAFE,
    says: str = "",
    stopped_by: Stage = "read",
) -> Hostile:
    return Hostile(f"exported-{name}", tries, make, stopped_by, code, says, "exported")


_ZEROS = [{"as_ints": [_HUGE]}]
_PATH = {"as_string": ""}

EXPORTED = (
    _exported("pickled-weight", "run a command by a pickled weight", _pickled_weight, says="pickled"),
    _exported(
        "pickled-samples",
        "run a command by pickled sample inputs",
        _pickled_samples,
        None,
        stopped_by="nothing",
    ),
    _exported("native-object", "unpickle a native object", _pickled_constant("custom_obj_"), says="pickled"),
    _exported(
        "opaque-object", "run a command by an opaque object", _pickled_constant("opaque_obj_"), says="pickled"
    ),
    _exported(
        "evaluated-size", "evaluate Python by the text of a size", _evaluated_size, None, stopped_by="nothing"
    ),
    _exported(
        "compiled-code",
        "load compiled code",
        lambda _: archive(more={"archive/data/aotinductor/model/m.so": b"\x7fELF"}),
        says="compiled code",
    ),
    _exported("command", "run a command", _calling("os.system", _PATH), says="os.system"),
    _exported(
        "python-operator", "open a file by Python", _calling("_operator.__import__", _PATH), says="_operator"
    ),
    _exported(
        "read-file", "read a file", _calling("torch.ops.aten.from_file.default", _PATH), says="from_file"
    ),
    _exported(
        "attribute-chain",
        "reach Python's own attributes",
        _calling("torch.ops.aten.relu.__globals__", _PATH),
        INVALID,
        "not supported",
    ),
    _exported(
        "reinterpret-memory",
        "read far beyond a tensor",
        _calling("torch.ops.inductor._reinterpret_tensor.default", tensor("x")),
        says="inductor",
    ),
    _exported(
        "collective",
        "send tensors to other machines",
        _calling("torch.ops._c10d_functional.all_reduce.default", tensor("x")),
        says="c10d",
    ),
    _exported(
        "huge-zeros",
        "make a tensor of 2^40 elements",
        _calling("torch.ops.aten.zeros.default", *_ZEROS),
        stopped_by="rebuild",
    ),
    _exported(
        "saved-indices-far",
        "let the backward pass write far beyond a tensor, to where positions point that were changed unseen",
        _changed_unseen(
            "torch.ops.aten.unsafe_split.Tensor", {"as_int": 8}, results=[{"as_tensors": [{"name": "part"}]}]
        ),
        None,
        stopped_by="nothing",
    ),
    _exported(
        "saved-indices-viewed",
        "the same, by way of a view",
        _changed_unseen("torch.ops.aten._unsafe_view.default", {"as_ints": [-1]}, results=[tensor("part")]),
        INVALID,
        "inplace operation",
        stopped_by="training",
    ),
    _exported(
        "batch-norm-far",
        "write statistics of a million channels to one number",
        _batch_norm(10**6, tensor("one"), tensor("one"), training=True),
        INVALID,
        "do not fit",
        stopped_by="rebuild",
    ),
    _exported(
        "batch-norm-nowhere",
        "read statistics that are not there",
        _batch_norm(64, {"as_none": True}, {"as_none": True}, training=False),
        INVALID,
        "needs statistics",
        stopped_by="rebuild",
    ),
    _exported(
        "huge-zeros-by-name",
        "make a tensor of 2^40 elements, whose size is given by name",
        _named("torch.ops.aten.zeros.default", size={"as_ints": [_HUGE]}),
        stopped_by="rebuild",
    ),
    _exported(
        "unknown-memory-format",
        "crash PyTorch by an order of memory that does not exist",
        _calling(
            "torch.ops.aten.to.other",
            tensor("x"),
            tensor("x"),
            {"as_bool": True},
            {"as_bool": True},
            {"as_int": 4},
        ),
        INVALID,
        "memory_format",
    ),
    _exported(
        "write-into-output",
        "resize a tensor by giving it as the output",
        _named("torch.ops.aten.view_copy.out", tensor("x"), {"as_ints": [-1]}, out=tensor("p_weight")),
        INVALID,
        "not supported",
    ),
    _exported(
        "weight-beyond-record",
        "read and write memory behind a record",
        _weights(shape=(1000, 1000), strides=(1000, 1)),
        says="within its record",
    ),
    _exported(
        "weight-before-record", "read and write memory before a record", _weights(offset=-4), says="shape"
    ),
    _exported(
        "negative-stride", "read and write memory before a record", _weights(strides=(-4, 1)), says="shape"
    ),
    _exported(
        "broadcast-weight",
        "claim 2^40 elements with stride 0",
        _weights(shape=(2**20, 2**20), strides=(0, 0)),
        says="within its record",
    ),
    _exported(
        "path-upwards",
        "read a record elsewhere",
        lambda _: archive(config={"config": {"weight": weight("weight_/../../../etc/passwd")}}),
        INVALID,
    ),
    _exported("deep-json", "overflow the JSON reader", _deep_json, INVALID, "damaged"),
    _exported("deep-modules", "overflow a reader's stack", _deep_modules, says="modules"),
    _exported("taken-name", "replace a method of a module", _strange_name, INVALID, "taken"),
    _exported(
        "damaged",
        "confuse the reader",
        lambda _: archive(nodes=[{"target": "torch.ops.aten.relu.default"}]),
        INVALID,
        "damaged",
    ),
    _exported(
        "unknown-value",
        "use a value that is not there",
        _calling("torch.ops.aten.relu.default", tensor("nowhere")),
        INVALID,
        "damaged",
    ),
    _exported(
        "loop",
        "use an operator that loops",
        _calling("torch.ops.higher_order.while_loop", tensor("x")),
        INVALID,
        "not supported",
    ),
)
