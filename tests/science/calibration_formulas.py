"""How each condition computes its confidence, read from its own code, so that the page cannot drift."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path

from workers.diagnosis import confidence as quantities
from workers.diagnosis import findings
from workers.diagnosis.condition import Condition
from workers.diagnosis.conditions import CONDITIONS
from workers.diagnosis.conditions.vanishing_gradients import consequence

MADE_BY_HELPER, MADE_BY_HAND = "finding", "Finding"
"""What makes a finding: the first takes the confidence as its third argument, the second by name."""
LEGEND = (
    quantities.joint, quantities.beyond, quantities.beyond_decades, quantities.beyond_share,
    findings.confidence, findings.consequence, consequence.consequence_in_depth,
    consequence.chance_of_failure,
)  # fmt: skip
"""The functions that the formulas are made of."""


@dataclass(frozen=True)
class Formula:
    """A confidence as the code writes it."""

    condition: str
    expression: str
    where: tuple[str, ...]
    """What the names of the module's own in it stand for."""

    def __str__(self) -> str:
        return "; ".join([f"`{self.expression}`", *(f"with `{part}`" for part in self.where)])


def formulas() -> Iterator[Formula]:
    """In the order of the conditions' names; several for a condition that has several rules."""
    for condition in sorted(CONDITIONS, key=lambda c: c.info.name):
        found = dict.fromkeys(formula for path in _files(condition) for formula in _in_file(condition, path))
        yield from found


def legend() -> Iterator[tuple[str, str]]:
    """Name and meaning of the functions that the formulas are made of."""
    for function in LEGEND:
        yield function.__name__, " ".join((getdoc(function) or "").split("\n\n")[0].split())


def _files(condition: Condition) -> list[Path]:
    """The modules of the condition's rule."""
    file = Path(str(sys.modules[condition.examine.__module__].__file__))
    return sorted(file.parent.glob("*.py")) if file.stem == "__init__" else [file]


def _in_file(condition: Condition, path: Path) -> Iterator[Formula]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for function in functions.values():
        for call in ast.walk(function):
            expression = _confidence_of(call)
            if expression is not None:
                where = tuple(_meanings(expression, function, functions))
                yield Formula(condition.info.name, ast.unparse(expression), where)


def _confidence_of(node: ast.AST) -> ast.expr | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return None
    if node.func.id == MADE_BY_HELPER and len(node.args) > 2:
        return node.args[2]
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    return named.get("confidence") if node.func.id == MADE_BY_HAND else None


def _meanings(
    expression: ast.expr, inside: ast.FunctionDef, functions: dict[str, ast.FunctionDef]
) -> Iterator[str]:
    """Of the local variables, the parameters and the module's own functions in an expression."""
    parameters = {argument.arg for argument in inside.args.args} - {"case"}
    for name in dict.fromkeys(node.id for node in ast.walk(expression) if isinstance(node, ast.Name)):
        where = functions.values() if name in parameters else [inside]
        values = [value for function in where for value in _assigned(function, name)]
        for value in values:
            yield f"{name} = {ast.unparse(value)}"
            for call in (node for node in ast.walk(value) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id in functions:
                    yield from _returned(functions[call.func.id])
        if name in functions:
            yield from _returned(functions[name])


def _assigned(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    """What is assigned to a name in a function, alone or as part of a tuple; not lists and tables."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node):
                listed = isinstance(value, ast.ListComp | ast.DictComp)
                if isinstance(target, ast.Name) and target.id == name and not listed:
                    yield value


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def _returned(function: ast.FunctionDef) -> Iterator[str]:
    assigned = [node for node in function.body if isinstance(node, ast.Assign)]
    last = function.body[-1]
    if isinstance(last, ast.Return) and last.value is not None:
        yield f"{function.name} = {ast.unparse(last.value)}"
        yield from (ast.unparse(node) for node in assigned)
