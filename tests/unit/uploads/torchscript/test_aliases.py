"""Autograd notices when a tensor that it kept for the backward pass is changed, whichever way: else an
archive could change positions after they were checked, and the backward pass would write where they point."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from workers.uploads.exported.operators import DECOMPOSED, operation
from workers.uploads.torchscript.operators import resolve

SIMPLE = {
    "int": 1, "SymInt": 1, "bool": False, "float": 1.0, "number": 1, "Scalar": 1, "List[int]": [1],
    "List[SymInt]": [1], "str": "sum",
}  # fmt: skip
"""An argument of each kind, for operators that are content with it."""
GIVEN = [
    (dtype, shape) for dtype in (torch.int64, torch.float32, torch.complex64) for shape in ((2, 2), (4,), ())
]
Operator = Callable[..., Any]


def overloads() -> Iterator[tuple[str, Any]]:
    """Of all operators on tensors, with their schemas."""
    for name in sorted(torch._C._dispatch_get_all_op_names()):
        namespace, _, rest = name.partition("::")
        if namespace == "aten":
            packet, _, overload = rest.partition(".")
            yield name, getattr(getattr(torch.ops.aten, packet), overload or "default")._schema


def runnable() -> Iterator[tuple[str, Any, Operator]]:
    """All that an archive of either kind can run."""
    for name, schema in overloads():
        found = resolve(name.partition(".")[0], str(schema))
        if found is not None:
            yield name, schema, found.function
            if getattr(found, "quick", None) is not None:
                yield name, schema, found.quick
    for name, schema in overloads():
        packet, _, overload = name.removeprefix("aten::").partition(".")
        if packet in DECOMPOSED and not any(argument.is_out for argument in schema.arguments):
            exported = operation(f"torch.ops.aten.{packet}.{overload or 'default'}")
            assert exported is not None
            yield name, schema, exported.function


def arguments(schema: Any, given: Tensor) -> list[Any] | None:
    """For a call with `given` where the first tensor is due; None if an argument is not simple."""
    made: list[Any] = []
    for argument in schema.arguments:
        kind = str(argument.type)
        if argument.has_default_value() or argument.kwarg_only:
            break
        if kind == "Tensor":
            made.append(torch.zeros((), dtype=torch.int64) if made else given)
        elif kind == "List[Tensor]":
            made.append([given])
        elif kind.startswith("Optional"):
            made.append(None)
        elif kind in SIMPLE:
            made.append(SIMPLE[kind])
        else:
            return None
    return made


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for item in value for tensor in tensors(item)] if isinstance(value, list | tuple) else []


def changes_unseen(run: Operator, schema: Any, given: Tensor) -> bool:
    """Whether the operator gives a tensor with which the one that it was given can be changed, and the change
    does not count as one."""
    passed = arguments(schema, given)
    if not passed:
        return False
    try:
        results = tensors(run(*passed))
    except Exception:  # it takes other arguments
        return False
    for result in results:
        shares = result.numel() and result.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
        if result is given or not shares:
            continue
        before = given._version
        try:
            result.zero_()
        except RuntimeError:
            continue
        if given._version == before:
            return True
    return False


def is_unwatched(schema: Any, run: Operator) -> bool:
    for (dtype, shape), records in itertools.product(GIVEN, (True, False)):
        with torch.set_grad_enabled(records):
            if changes_unseen(run, schema, torch.zeros(shape, dtype=dtype)):
                return True
    return False


def test_no_operator_gives_an_alias_whose_changes_autograd_does_not_see() -> None:
    tried = list(runnable())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unwatched = {name for name, schema, run in tried if is_unwatched(schema, run)}
    assert len(tried) > 800
    assert unwatched == set()


@pytest.mark.parametrize("name", ["unsafe_chunk.default", "unsafe_split.Tensor", "_unsafe_view.default"])
def test_such_an_operator_would_be_found(name: str) -> None:
    packet, _, overload = name.partition(".")
    found = getattr(getattr(torch.ops.aten, packet), overload)
    given = torch.zeros(2, 2, dtype=torch.int64)
    passed = [given, [1, 4]] if packet == "_unsafe_view" else [given, 1]
    assert changes_unseen(lambda *_: found(*passed), found._schema, given)
