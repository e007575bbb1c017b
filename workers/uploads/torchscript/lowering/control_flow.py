"""Conditions, loops and contexts."""

from typing import Any

from workers.uploads.torchscript.loading import Node
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.steps import move
from workers.uploads.torchscript.program import Frame, Step


def lower_condition(lowering: Lowering, node: Node) -> None:
    """`prim::If`. Where the condition is known, only the branch that runs is kept."""
    condition = next(iter(node.inputs()))
    branches = list(node.blocks())
    if lowering.is_known(condition):
        taken = branches[0 if lowering.known(condition) else 1]
        lowering.inline(taken)
        _forward_known(lowering, node, taken)
        return
    test = lowering.slots.of(condition)
    targets = lowering.outputs(node)
    bodies = []
    for branch in branches:
        with lowering.slots.nested():
            body = lowering.block(branch)
            bodies.append((body, [lowering.slots.of(value) for value in branch.outputs()]))
    (then, then_values), (otherwise, other_values) = bodies
    then_move, other_move = move(then_values, targets), move(other_values, targets)

    def step(frame: Frame) -> None:
        if frame[test]:
            then.run(frame)
            then_move(frame)
        else:
            otherwise.run(frame)
            other_move(frame)

    lowering.emit(step, node, calls_out=True)


def _forward_known(lowering: Lowering, node: Node, taken: Any) -> None:
    """Give a condition's outputs the values of the branch that is always taken."""
    sources, targets = [], []
    for output, value in zip(node.outputs(), taken.outputs(), strict=True):
        if lowering.is_known(value):
            lowering.constant(output, lowering.known(value))
        else:
            sources.append(lowering.slots.of(value))
            targets.append(lowering.slots.new(output))
    if sources:
        lowering.emit(move(sources, targets), node)


def lower_loop(lowering: Lowering, node: Node) -> None:
    """`prim::Loop`: both `for` and `while`. Inputs: most turns, first condition, values carried along."""
    most, condition, *carried = lowering.inputs(node)
    results = lowering.outputs(node)
    body = next(iter(node.blocks()))
    counter_value, *carried_values = body.inputs()
    with lowering.slots.nested():
        counter = lowering.slots.new(counter_value)
        inside = [lowering.slots.new(value) for value in carried_values]
        steps = lowering.block(body)
        again, *next_values = [lowering.slots.of(value) for value in body.outputs()]
    enter, turn, leave = move(carried, inside), move(next_values, inside), move(inside, results)
    runtime, cost = lowering.program.runtime, len(steps) + 1

    def step(frame: Frame) -> None:
        limit, going, turns = frame[most], frame[condition], 0
        enter(frame)
        while going and turns < limit:
            runtime.spend(cost)
            frame[counter] = turns
            steps.run(frame)
            going = frame[again]
            turn(frame)
            turns += 1
        leave(frame)

    lowering.emit(step, node, calls_out=True)


def lower_enter(lowering: Lowering, node: Node) -> None:
    """The beginning of a `with` block."""
    lowering.emit(_context_step(lowering, node, "__enter__", ()), node, calls_out=True)


def lower_exit(lowering: Lowering, node: Node) -> None:
    """Its end."""
    lowering.emit(_context_step(lowering, node, "__exit__", (None, None, None)), node, calls_out=True)


def _context_step(lowering: Lowering, node: Node, method: str, arguments: tuple[None, ...]) -> Step:
    manager = lowering.inputs(node)[0]
    outputs = lowering.outputs(node)

    def step(frame: Frame) -> None:
        result = frame[manager].call_method(method, *arguments)
        if outputs:
            frame[outputs[0]] = result

    return step
