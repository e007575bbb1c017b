"""Constants, which frozen archives also have in place of parameters."""

from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import check_constant
from workers.uploads.torchscript.loading import Node, Value, schema
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.scope import is_thawable
from workers.uploads.torchscript.operators.layers import LAYERS, LayerOperator, layer_name
from workers.uploads.torchscript.program import Frame, Step


def lower_constant(lowering: Lowering, node: Node) -> None:
    """`prim::Constant`."""
    output = next(iter(node.outputs()))
    if output.type().kind() == "FunctionType":
        return
    value = output.toIValue()
    if isinstance(value, torch.device):
        lowering.emit(_device_step(lowering, lowering.slots.new(output)), node)
    elif isinstance(value, Tensor):
        _lower_tensor(lowering, node, output, value)
    else:
        lowering.constant(output, check_constant(value))


def _device_step(lowering: Lowering, out: int) -> Step:
    """The device that an archive was made on stands for the one that it runs on."""
    runtime = lowering.program.runtime

    def step(frame: Frame) -> None:
        frame[out] = runtime.device

    return step


def _lower_tensor(lowering: Lowering, node: Node, output: Value, value: Tensor) -> None:
    scope = lowering.scope
    if scope is None or not scope.thaws or not is_thawable(value):
        lowering.emit(_tensor_step(lowering, value.detach(), lowering.slots.new(output)), node)
        return
    if all(belongs_to_layer(use) for use in output.uses()):
        lowering.note(output, value)
        return
    name = scope.thaw(value, _argument_name(output.uses()[0]))
    out = lowering.slots.new(output)

    def step(frame: Frame) -> None:
        frame[out] = frame[0]._parameters[name]

    lowering.emit(step, node)


def _tensor_step(lowering: Lowering, value: Tensor, out: int) -> Step:
    """A tensor that is moved once to each device that it is needed on."""
    runtime, on_device = lowering.program.runtime, {value.device: value}

    def step(frame: Frame) -> None:
        device = runtime.device
        if device not in on_device:
            on_device[device] = value.to(device)
        frame[out] = on_device[device]

    return step


def belongs_to_layer(use: Any) -> bool:
    """Whether a constant is used as a layer's own tensor, directly or in its list of weights."""
    layer = layer_name(use.user.kind())
    if layer is not None:
        return _is_own(use, LAYERS[layer])
    if use.user.kind() != "prim::ListConstruct" or not all(map(_is_constant, use.user.inputs())):
        return False
    uses = next(iter(use.user.outputs())).uses()
    return bool(uses) and all(_is_weight_list(inner) for inner in uses)


def _is_own(use: Any, spec: LayerOperator) -> bool:
    if spec.only_with_weight:
        inputs = list(use.user.inputs())
        weights = [position for position, name in spec.weights.items() if name == "weight"]
        return use.offset in spec.weights and all(_is_constant(inputs[position]) for position in weights)
    return use.offset in spec.weights or use.offset in spec.statistics


def _is_constant(value: Value) -> bool:
    return bool(value.node().kind() == "prim::Constant")


def _is_weight_list(use: Any) -> bool:
    layer = layer_name(use.user.kind())
    return layer is not None and use.offset == LAYERS[layer].weight_list


def _argument_name(use: Any) -> str:
    """A name for a thawed constant, after what it is used for, such as `add_other`."""
    operator = str(use.user.kind()).partition("::")[2].strip("_") or "constant"
    arguments = (schema(use.user) or "").partition("(")[2].split(", ")
    if use.offset >= len(arguments) or " " not in arguments[use.offset]:
        return operator
    argument = arguments[use.offset].split(" ")[-1].split("=")[0].split(")")[0]
    return f"{operator}_{argument}" if argument.isidentifier() else operator
