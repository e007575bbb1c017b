"""The tables of operators."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.support.torchscript import rebuilt
from workers.uploads.torchscript.limits import MAX_ELEMENTS, RefusalError
from workers.uploads.torchscript.operators import hazards, resolve, sizes
from workers.uploads.torchscript.operators.bounds import BOUNDS
from workers.uploads.torchscript.operators.embeddings import embedding_bag
from workers.uploads.torchscript.operators.layers import LAYERS
from workers.uploads.torchscript.operators.permitted import PERMITTED, REFUSED_OVERLOADS, is_permitted
from workers.uploads.torchscript.operators.quick import QUICK

DANGEROUS = """
    from_file save set_ set_data resize_ resize_as_ as_strided as_strided_ _sparse_coo_tensor_unsafe
    manual_seed seed record_stream pin_memory bincount histc max_unpool2d embedding_bag
    _pack_padded_sequence take_along_dim random_ native_batch_norm _unsafe_index _index_put_impl_
    _reinterpret_tensor to_sparse to_mkldnn quantize_per_tensor requires_grad_
    _cufft_set_plan_cache_max_size from_buffer storage_offset _nested_view_from_buffer sparse_coo_tensor
""".split()  # noqa: SIM905


def test_every_permitted_operator_exists() -> None:
    assert [name for name in sorted(PERMITTED) if not hasattr(torch.ops.aten, name)] == []


def test_every_row_of_the_other_tables_is_permitted() -> None:
    assert BOUNDS.keys() <= PERMITTED
    assert LAYERS.keys() <= PERMITTED
    assert all(is_permitted(overload) for overload in QUICK)


@pytest.mark.parametrize("name", DANGEROUS)
def test_operators_that_reach_beyond_tensors_are_not_permitted(name: str) -> None:
    assert not is_permitted(f"aten::{name}")


@pytest.mark.parametrize("namespace", ["prim", "inductor", "debugprims", "rpc", "profiler", "quantized"])
def test_only_one_namespace_has_tensor_operators(namespace: str) -> None:
    assert not is_permitted(f"{namespace}::add")
    assert resolve(f"{namespace}::relu", f"{namespace}::relu(Tensor self) -> Tensor") is None


def schemas() -> list[torch._C.FunctionSchema]:
    return [schema for schema in torch._C._jit_get_all_schemas() if schema.name.startswith("aten::")]


def test_no_operator_writes_into_an_output_that_it_is_given() -> None:
    resolved = [s for s in schemas() if any(a.is_out for a in s.arguments) and resolve(s.name, str(s))]
    assert resolved == []


@pytest.mark.parametrize("overload", ["mul_.t", "index.list_Tensor", "eq.Tensor_list"])
def test_operators_that_torchscript_adds_on_lists_do_not_run_unchecked(overload: str) -> None:
    (schema,) = [s for s in schemas() if f"{s.name}.{s.overload_name}" == f"aten::{overload}"]
    operation = resolve(schema.name, str(schema))
    assert operation is None or operation.parameters is None


@pytest.mark.parametrize("overload", ["to.dtype", "to.prim_dtype", "to.prim_Device", "zeros", "sum"])
def test_every_dtype_is_checked(overload: str) -> None:
    name, _, suffix = overload.partition(".")
    (schema,) = [s for s in schemas() if s.name == f"aten::{name}" and s.overload_name == suffix]
    operation = resolve(schema.name, str(schema))
    assert operation is not None
    assert [p.kind for p in operation.parameters or () if p.name == "dtype"] == ["ScalarType"]


def test_no_operator_takes_a_generator_from_the_archive() -> None:
    assert resolve("aten::Generator", "aten::Generator(*, int? seed=None) -> Generator") is None


def unreachable_with_check(name: str) -> Callable[..., object]:
    return hazards.guard(name, lambda *_, **__: pytest.fail("It ran."))


def recurrent_weights(gates: int, hidden: int = 6) -> list[torch.Tensor]:
    rows = gates * hidden
    return [torch.randn(rows, 4), torch.randn(rows, hidden), torch.randn(rows), torch.randn(rows)]


@pytest.mark.parametrize("wrong", range(4))
@pytest.mark.parametrize(("name", "gates"), hazards.GATES.items())
def test_a_recurrent_operator_is_not_given_weights_that_do_not_fit(name: str, gates: int, wrong: int) -> None:
    """PyTorch reads beyond the end of some."""
    weights, state = recurrent_weights(gates), torch.zeros(1, 2, 6)
    weights[wrong] = weights[wrong][1:]
    states = [state, state] if name == "lstm" else state
    with pytest.raises(RefusalError):
        unreachable_with_check(name)(torch.randn(3, 2, 4), states, weights, True, 1, 0.0, True, False, False)


@pytest.mark.parametrize("shape", [(1, 1, 600), (1, 2, 5), (2, 2, 6), (1, 3, 6)])
def test_a_recurrent_operator_is_not_given_states_that_do_not_fit(shape: tuple[int, ...]) -> None:
    """PyTorch stops the process on some."""
    run, states = unreachable_with_check("lstm"), [torch.zeros(shape)] * 2
    with pytest.raises(RefusalError):
        run(torch.randn(3, 2, 4), states, recurrent_weights(4), True, 1, 0.0, True, False, False)


def projecting_weights() -> list[torch.Tensor]:
    return [torch.randn(24, 4), torch.randn(24, 2), torch.randn(24), torch.randn(24), torch.randn(2, 6)]


@pytest.mark.parametrize("wrong", range(5))
def test_an_lstm_with_projections_is_not_given_weights_that_do_not_fit(wrong: int) -> None:
    weights, states = projecting_weights(), [torch.zeros(1, 2, 2), torch.zeros(1, 2, 6)]
    weights[wrong] = weights[wrong][1:]
    with pytest.raises(RefusalError):
        unreachable_with_check("lstm")(
            torch.randn(3, 2, 4), states, weights, True, 1, 0.0, True, False, False
        )


def test_an_lstm_does_not_give_more_than_it_carries() -> None:
    states = [torch.zeros(1, 2, 8), torch.zeros(1, 2, 6)]
    weights = [torch.randn(24, 4), torch.randn(24, 8), torch.randn(24), torch.randn(24), torch.randn(8, 6)]
    with pytest.raises(RefusalError):
        unreachable_with_check("lstm")(
            torch.randn(3, 2, 4), states, weights, True, 1, 0.0, True, False, False
        )


def test_attention_is_not_given_fewer_values_than_keys() -> None:
    query, keys, values = torch.randn(1, 2, 5, 4), torch.randn(1, 2, 7, 4), torch.randn(1, 2, 3, 4)
    with pytest.raises(RefusalError):
        unreachable_with_check("scaled_dot_product_attention")(query, keys, values)


def test_weight_normalisation_is_not_given_fewer_lengths_than_directions() -> None:
    with pytest.raises(RefusalError):
        unreachable_with_check("_weight_norm")(torch.randn(4, 8), torch.randn(2), 0)
    with pytest.raises(RefusalError):
        unreachable_with_check("_weight_norm")(torch.randn(0, 3), torch.randn(0, 1), 0)


@pytest.mark.parametrize("scale", [1e-20, -1.0, float("nan"), float("inf"), 0.0])
def test_nothing_is_resampled_by_an_extreme_factor(scale: float) -> None:
    with pytest.raises(RefusalError):
        unreachable_with_check("upsample_nearest2d")(torch.randn(1, 1, 4, 4), [30, 30], scale, 1.0)


def test_an_unknown_mode_of_sampling_is_refused() -> None:
    with pytest.raises(RefusalError):
        unreachable_with_check("grid_sampler")(torch.randn(1, 1, 4, 4), torch.zeros(1, 2, 2, 2), 77, 0, False)


def test_overloads_that_size_their_result_by_values_are_refused() -> None:
    for overload in REFUSED_OVERLOADS:
        (schema,) = [s for s in schemas() if f"{s.name}.{s.overload_name}" == overload]
        assert resolve(schema.name, str(schema)) is None


def unreachable(name: str, overload: str = "default", tensors: int = 0) -> sizes.Function:
    """A guarded operator that must not be reached."""
    operator = getattr(getattr(torch.ops.aten, name), overload)

    def fail(*_: object, **__: object) -> None:
        pytest.fail("It ran.")

    return sizes.guard(name, fail, operator, tensors=tensors)


def test_an_operator_is_rehearsed_and_not_run_when_its_result_would_be_too_large() -> None:
    with pytest.raises(RefusalError, match=f"{2**40:,}"):
        unreachable("zeros")([2**20, 2**20])
    with pytest.raises(RefusalError):
        unreachable("mul", "Tensor", 2)(torch.ones(2**20, 1), torch.ones(1, 2**20))
    with pytest.raises(RefusalError):
        unreachable("conv_transpose2d", "input", 2)(
            torch.ones(1, 1, 4, 4), torch.ones(1, 1, 1, 1), None, [2**16, 2**16]
        )


def test_an_operator_whose_result_is_as_large_as_permitted_runs() -> None:
    guarded = sizes.guard("expand", torch.Tensor.expand, torch.ops.aten.expand.default, tensors=1)
    assert guarded(torch.ones(1), [MAX_ELEMENTS]).numel() == MAX_ELEMENTS


@pytest.mark.parametrize("bits", [torch.int8, torch.int32, torch.int64])
@pytest.mark.parametrize("name", sorted(hazards.INTEGER_DIVISIONS))
def test_the_smallest_integer_is_never_divided_by_minus_one(name: str, bits: torch.dtype) -> None:
    ran: list[int] = []
    guarded = hazards.guard(name, lambda *_, **__: ran.append(1))
    smallest = torch.tensor([torch.iinfo(bits).min, 3], dtype=bits)
    for divisor in (-1, torch.tensor([2, -1], dtype=bits)):
        with pytest.raises(RefusalError):
            guarded(smallest, divisor)
    assert ran == []
    guarded(smallest, 2)
    guarded(smallest + 1, -1)
    guarded(smallest.float(), -1)
    assert ran == [1, 1, 1]


def batch_norm_arguments(channels: int, weight: int | None, mean: int | None, training: bool) -> list[object]:
    def vector(size: int | None) -> torch.Tensor | None:
        return None if size is None else torch.ones(size)

    return [torch.randn(2, channels), vector(weight), None, vector(mean), vector(mean), training, 0.1, 1e-5]


@pytest.mark.parametrize("name", ["native_batch_norm", "_native_batch_norm_legit"])
@pytest.mark.parametrize(
    ("weight", "mean", "training"), [(1, 6, True), (6, 1, True), (6, 1, False), (None, None, False)]
)
def test_batch_normalisation_is_not_given_values_for_other_channels(
    name: str, weight: int | None, mean: int | None, training: bool
) -> None:
    """PyTorch reads and writes beyond their end."""
    with pytest.raises(RefusalError):
        unreachable_with_check(name)(*batch_norm_arguments(6, weight, mean, training))


def test_batch_normalisation_that_fits_runs() -> None:
    ran: list[int] = []
    guarded = hazards.guard("native_batch_norm", lambda *_: ran.append(1))
    for weight, mean, training in ((6, 6, True), (None, 6, False), (None, None, True)):
        guarded(*batch_norm_arguments(6, weight, mean, training))
    never_trains = hazards.guard("_native_batch_norm_legit_no_training", lambda *_: ran.append(1))
    inputs, ones = torch.randn(2, 6, 3), torch.ones(6)
    never_trains(inputs, ones, ones, ones, ones, 0.1, 1e-5)
    hazards.guard("_native_batch_norm_legit", lambda *_: ran.append(1))(inputs, ones, ones, True, 0.1, 1e-5)
    assert ran == [1] * 5


UNSAFE_FORMS = {
    "unsafe_chunk": ("unsafe_chunk", [2, 1]),
    "unsafe_split": ("unsafe_split.Tensor", [2, 1]),
    "unsafe_split_with_sizes": ("unsafe_split_with_sizes", [[1, 3], 1]),
}


@pytest.mark.parametrize("name", UNSAFE_FORMS)
def test_parts_of_an_unsafe_split_have_its_values_and_gradients(name: str) -> None:
    overload, arguments = UNSAFE_FORMS[name]
    (schema,) = [s for s in schemas() if f"{s.name}.{s.overload_name}".rstrip(".") == f"aten::{overload}"]
    operation = resolve(schema.name, str(schema))
    assert operation is not None
    inputs = torch.randn(2, 4, requires_grad=True)
    found = []
    for run in (operation.function, getattr(torch.ops.aten, name)):
        first, second = run(inputs * 2, *arguments)
        loss = (first.sigmoid_().sum() + second.square().sum()).sqrt()
        found.append([loss, *torch.autograd.grad(loss, [inputs])])
    assert all(map(torch.equal, *found))
    given = torch.zeros(2, 4)
    for part in operation.function(given, *arguments):
        part.fill_(1)
    assert not given.any()


class Bags(nn.Module):
    """Bags of words, each of as many."""

    def __init__(self, mode: str, padding: int | None) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(9, 4, mode=mode, padding_idx=padding)
        self.head = nn.Linear(4, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.bag(tokens))


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_an_embedding_of_bags_is_that_of_pytorch_up_to_rounding(mode: str, padding: int | None) -> None:
    torch.manual_seed(0)
    network = Bags(mode, padding)
    tokens = torch.stack([torch.randperm(9)[:5] for _ in range(6)])
    ours = rebuilt(network)
    outputs = [each(tokens) for each in (ours, network)]
    torch.testing.assert_close(*outputs)
    gradients = [
        torch.autograd.grad(output.square().sum(), list(each.parameters()))
        for output, each in zip(outputs, (ours, network), strict=True)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_bags_may_differ_in_size_be_empty_and_be_weighted() -> None:
    weight, indices = torch.randn(9, 4), torch.tensor([1, 2, 2, 8, 0])
    weights = torch.randn(5)
    for offsets, last in (([0, 2, 2], False), ([0, 2, 2, 5], True)):
        given = (weight, indices, torch.tensor(offsets), False, 0, False, weights, last)
        torch.testing.assert_close(embedding_bag(*given)[0], torch.ops.aten.embedding_bag(*given)[0])


@pytest.mark.parametrize(
    ("indices", "offsets"),
    [([1, 2, 9], [0, 1]), ([1, 2], [0, 5]), ([1, 2], [1]), ([1, 2], [0, 2, 1]), ([1, 2], [-1]), ([1], [])],
)
def test_an_embedding_of_bags_is_not_given_what_is_no_division_of_tokens(
    indices: list[int], offsets: list[int]
) -> None:
    places = torch.tensor(offsets, dtype=torch.int64)
    with pytest.raises(RefusalError):
        embedding_bag(torch.randn(9, 4), torch.tensor(indices), places)
