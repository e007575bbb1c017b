"""The forms of all kinds of node."""

import keyword
import re
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from workers.uploads.torchscript.loading import Node
from workers.uploads.torchscript.lowering.attributes import lower_read, lower_write
from workers.uploads.torchscript.lowering.calls import (
    lower_create_object,
    lower_fork,
    lower_function,
    lower_isinstance,
    lower_method,
    lower_unpack,
)
from workers.uploads.torchscript.lowering.constants import belongs_to_layer, lower_constant
from workers.uploads.torchscript.lowering.control_flow import (
    lower_condition,
    lower_enter,
    lower_exit,
    lower_loop,
)
from workers.uploads.torchscript.lowering.lower import Lowerer, Lowering
from workers.uploads.torchscript.lowering.operations import lower_operation
from workers.uploads.torchscript.lowering.steps import call


def lower_list(lowering: Lowering, node: Node) -> None:
    """`prim::ListConstruct`, but for the weights of a recurrent operator in a frozen archive."""
    inputs = list(node.inputs())
    taken = [value.debugName() for value in inputs if not _has_slot(lowering, value)]
    if not taken:
        lower_operation(lowering, node)


def _has_slot(lowering: Lowering, value: Any) -> bool:
    return not (
        value.node().kind() == "prim::Constant"
        and lowering.scope is not None
        and lowering.scope.thaws
        and value.type().kind() == "TensorType"
        and lowering.is_known(value)
        and all(belongs_to_layer(use) for use in value.uses())
    )


def lower_tuple(lowering: Lowering, node: Node) -> None:
    """`prim::TupleConstruct`: a tuple, with names where the archive has them."""
    make = _tuple_maker(node)
    lowering.emit(call(make, lowering.inputs(node), lowering.outputs(node), {}), node)


def _tuple_maker(node: Node) -> Callable[..., Any]:
    kind = str(next(iter(node.outputs())).type())
    if not kind.startswith("__torch__"):
        return lambda *entries: entries
    fields = re.findall(r"[(,] ?(\w+) : ", str(node).partition("NamedTuple")[2].partition(" = ")[0])
    names = [
        name for name in fields if name.isidentifier() and not keyword.iskeyword(name) and name[0] != "_"
    ]
    if len(set(names)) != node.inputsSize() or len(names) != len(fields):
        return lambda *entries: entries
    return namedtuple("Output", names)  # its names are known only here


def lower_gradient_question(lowering: Lowering, node: Node) -> None:
    """Whether gradients are recorded. PyTorch's transformer layers ask for it and, where they are not, run a
    fused form that shows nothing of its submodules; here they always answer yes."""
    if lowering.is_own_layer:
        lowering.constant(next(iter(node.outputs())), True)
    else:
        lower_operation(lowering, node)


FORMS: dict[str, Lowerer] = {
    "prim::Constant": lower_constant,
    "prim::GetAttr": lower_read,
    "prim::SetAttr": lower_write,
    "prim::CallMethod": lower_method,
    "prim::CallFunction": lower_function,
    "prim::CreateObject": lower_create_object,
    "prim::isinstance": lower_isinstance,
    "prim::If": lower_condition,
    "prim::Loop": lower_loop,
    "prim::Enter": lower_enter,
    "prim::Exit": lower_exit,
    "prim::fork": lower_fork,
    "prim::TupleUnpack": lower_unpack,
    "prim::ListUnpack": lower_unpack,
    "prim::ListConstruct": lower_list,
    "prim::TupleConstruct": lower_tuple,
    "aten::is_grad_enabled": lower_gradient_question,
    "prim::requires_grad": lower_gradient_question,
}
"""By kind; all others are operators."""
