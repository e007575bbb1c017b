"""Text that is no honest code: it kills torch's parser, or hides what it does."""

from collections.abc import Callable
from pathlib import Path

from service.contract.errors import ErrorCode
from tests.support.hostile.hostile import Hostile
from tests.support.hostile.writing import DECLARATIONS, FORWARD, RESULT, running, torchscript

UNSAFE, INVALID = ErrorCode.UNSAFE_CHECKPOINT, ErrorCode.MODEL_INVALID
_DEPTH = 100_000


def _expression(expression: str) -> Callable[[Path], bytes]:
    return lambda _canary: running(f"y = {expression}")


def _blocks(_canary: Path) -> bytes:
    return running(*(f"{'  ' * level}if True:" for level in range(1000)), f"{'  ' * 1000}pass")


def _elif_chain(_canary: Path) -> bytes:
    branches = [line for _ in range(20_000) for line in ("elif True:", "  y = x")]
    return running("if True:", "  y = x", *branches)


def _many_lines(_canary: Path) -> bytes:
    return running(*["y = x"] * 300_000)


def _hidden_by_quotes(_canary: Path) -> bytes:
    """Closing brackets in texts must not make up for opened ones."""
    level = "(" * 50 + '"' + ")" * 50 + '", '
    return running(f"y = {level * 10}")


def _long_text(_canary: Path) -> bytes:
    return running('"""', f"y = {'(' * _DEPTH}", '"""')


def _code(code: bytes) -> Callable[[Path], bytes]:
    return lambda _canary: torchscript(DECLARATIONS + FORWARD + RESULT + code.decode("latin-1"))


def _source(
    name: str, tries: str, make: Callable[[Path], bytes], code: ErrorCode = UNSAFE, says: str = ""
) -> Hostile:
    return Hostile(name, tries, make, "read", code, says)


SOURCES = (
    _source(
        "deep-brackets",
        "overflow the parser's stack",
        _expression("(" * _DEPTH + "x" + ")" * _DEPTH),
        says="brackets",
    ),
    _source("deep-lists", "overflow the parser's stack", _expression("[" * _DEPTH), says="brackets"),
    _source("unary-chain", "overflow the parser's stack", _expression("-" * 200_000 + "1"), says="too deep"),
    _source(
        "not-chain", "overflow the parser's stack", _expression("not " * _DEPTH + "True"), says="too deep"
    ),
    _source("sum-chain", "overflow the compiler's stack", _expression("1" + "+1" * _DEPTH), says="too deep"),
    _source(
        "attribute-chain", "overflow the compiler's stack", _expression("x" + ".a" * _DEPTH), says="too deep"
    ),
    _source("call-chain", "overflow the compiler's stack", _expression("x" + "()" * _DEPTH), says="too deep"),
    _source(
        "subscript-chain", "overflow the compiler's stack", _expression("x" + "[0]" * _DEPTH), says="too deep"
    ),
    _source("deep-blocks", "overflow the parser's stack with blocks", _blocks, says="blocks"),
    _source("elif-chain", "overflow the parser's stack with branches", _elif_chain, INVALID, says="elif"),
    _source("many-lines", "keep the compiler busy", _many_lines, says="lines"),
    _source("hidden-brackets", "hide brackets behind texts", _hidden_by_quotes, says="brackets"),
    _source("long-text", "hide code between triple quotes", _long_text, INVALID, says="malformed"),
    _source("garbage", "confuse the parser", _code(b"\x00\xff\x80!?$ def"), INVALID, says="ASCII"),
    _source("unfinished", "let the text end within a bracket", _code(b"def f(x"), INVALID, says="bracket"),
    _source(
        "python-operator", "call back into Python", _expression("^system(1)(x)"), INVALID, says="malformed"
    ),
)
