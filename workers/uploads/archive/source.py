"""The text of an archive's code: what torch's parser must not be given, and what would run while it reads.

Nothing of the code is ever executed here, and the operators in it are chosen from a list when the network is
rebuilt. But torch parses the text, with a parser that recurses without bound, and *evaluates* what stands
outside of function bodies: the default values of parameters and the constants of classes. So these may only
be literals.
"""

from collections.abc import Iterable

from workers.uploads.archive.operators import check_operators
from workers.uploads.archive.tokens import MAX_NESTING, Statement, Token, statements
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

MAX_CODE_BYTES = 4 * 2**20
"""Most bytes of all the code. torchvision's largest networks have 400 kB."""
MAX_LINES = 100_000
MAX_UNSEPARATED = 400
"""Most tokens that no comma separates, open brackets' included: so deep can an expression be nested at
most."""
INDENTATION = 2
"""Spaces that torch puts before a block."""

_RUNS_AT_LOAD = ("__setstate__", "__getstate__")
_NEVER_WRITTEN = ("elif", "lambda", "import", "try", "global", "nonlocal", "async", "await", "yield")
"""Words that torch's writer has no use for; some make its parser recurse."""
_LITERAL_CALLS = (("annotate",), ("torch", ".", "device"))
"""Calls without effect that stand in default values."""
_ARITHMETIC = frozenset(
    ["*", "/", "//", "%", "@", "**", "+", "&", "|", "~", "<", ">", "==", "!=", "<=", ">="]
)
_CONTROL = frozenset(["for", "if", "while", "in", "is", "and", "or", "not", "with", "del"])
_COMPUTES = _ARITHMETIC | _CONTROL
"""What no literal needs; a minus sign may stand before a number."""


def check_sources(sources: Iterable[tuple[str, bytes]]) -> None:
    """Check files of code, each a name and its content.

    Raises UnsafeUploadError for code that would run while it is loaded, that names operators that only do
    harm, or that is nested too deeply or too long, and InvalidUploadError for text that is no TorchScript.
    """
    lines = 0
    for name, content in sources:
        lines += content.count(b"\n")
        if lines > MAX_LINES:
            raise UnsafeUploadError(f"the archive's code has more than {MAX_LINES:,} lines")
        _check_source(name, content)


def _check_source(name: str, content: bytes) -> None:
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise InvalidUploadError(f"the archive's code is not ASCII text: {name}") from error
    function_at: int | None = None  # indentation of the function whose body we are in
    for statement in statements(text):
        if function_at is not None and statement.indentation <= function_at:
            function_at = None
        _check_nesting(statement)
        _check_words(statement)
        check_operators(statement)
        if function_at is None:
            _check_runs_nothing(statement)
            if statement.tokens[0].text == "def":
                function_at = statement.indentation


def _check_nesting(statement: Statement) -> None:
    if statement.indentation > MAX_NESTING * INDENTATION:
        raise UnsafeUploadError(f"line {statement.line} of the archive's code is nested in too many blocks")
    if len(statement.tokens) > MAX_UNSEPARATED and _longest_chain(statement.tokens) > MAX_UNSEPARATED:
        raise UnsafeUploadError(f"line {statement.line} of the archive's code holds too deep an expression")


def _longest_chain(tokens: list[Token]) -> int:
    """Most tokens since the last comma, those before open brackets included."""
    levels, longest, total = [0], 0, 0
    for token in tokens:
        if token.kind == "close":
            total -= levels.pop()
        elif token.text == ",":
            total -= levels[-1]
            levels[-1] = 0
        levels[-1] += 1
        total += 1
        longest = max(longest, total)
        if token.kind == "open":
            levels.append(0)
    return longest


def _check_words(statement: Statement) -> None:
    for token in statement.tokens:
        if token.text in _RUNS_AT_LOAD:
            raise UnsafeUploadError(
                f"the archive has code that runs while it is loaded ({token.text}), as quantised and custom "
                "classes do; this is not supported"
            )
        if token.text in _NEVER_WRITTEN:
            raise InvalidUploadError(
                f'the archive\'s code is malformed: line {statement.line} has "{token.text}"'
            )


def _check_runs_nothing(statement: Statement) -> None:
    """Outside of function bodies there are only declarations and literals."""
    tokens = statement.tokens
    declared = 2 if tokens[0].text in ("class", "def") else 0  # "class C(" and "def f(" are no calls
    for at in range(declared, len(tokens)):
        if tokens[at].text in _COMPUTES or (at > declared and _is_call(tokens, at)):
            raise UnsafeUploadError(
                f"the archive has code that runs while it is loaded: line {statement.line} is outside of "
                "functions but is no mere declaration"
            )


def _is_call(tokens: list[Token], at: int) -> bool:
    """Whether the token at this place opens a call's arguments."""
    if tokens[at].text != "(" or tokens[at - 1].kind not in ("name", "close", "string"):
        return False
    return not any(_ends_with(tokens[:at], call) for call in _LITERAL_CALLS)


def _ends_with(tokens: list[Token], name: tuple[str, ...]) -> bool:
    """Whether tokens end with a name, and not with a longer one."""
    texts = tuple(token.text for token in tokens[-len(name) - 1 :])
    return texts[-len(name) :] == name and texts[: -len(name)] != (".",)
