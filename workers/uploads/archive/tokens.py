"""The tokens of TorchScript's text form.

Only what torch itself writes is a token: no comments, no single or triple quotes, no line continuation. So
torch's own lexer cannot read the text in another way than this one does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

_TOKEN = re.compile(
    r"""
    (?P<space>\ +)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?j?)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*"(?!["']))
  | (?P<operator>->|\*\*|//|[=!<>]=|[-+*/%@<>=.,:&|~])
  | (?P<newline>\n)
    """,
    re.VERBOSE,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
MAX_NESTING = 60
"""Most brackets open at a time, and most blocks: torch's parser dies of some 100 000."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    """`name`, `number`, `string`, `operator`, `open` or `close`."""
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or the head of a block: a line, or several while a bracket is open."""

    line: int
    """Number of its first line, from 1."""
    indentation: int
    """Spaces before it."""
    tokens: list[Token]


def statements(text: str) -> Iterator[Statement]:
    """Split a text into statements.

    Raises InvalidUploadError for a character or bracket that cannot stand where it does, and
    UnsafeUploadError if brackets are nested too deeply.
    """
    tokens: list[Token] = []
    line, first_line, indentation, opened = 1, 1, 0, ""
    for match in _tokens(text):
        kind, part = match.lastgroup or "", match.group()
        if kind == "newline":
            line += 1
            if not opened:
                if tokens:
                    yield Statement(first_line, indentation, tokens)
                tokens, first_line, indentation = [], line, 0
        elif kind == "space":
            indentation = indentation if tokens else len(part)
        else:
            opened = _open_after(opened, kind, part, line)
            tokens.append(Token(kind, part))
    if opened:
        raise InvalidUploadError("the archive's code ends within a bracket")
    if tokens:
        yield Statement(first_line, indentation, tokens)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            line = text.count("\n", 0, at) + 1
            raise InvalidUploadError(
                f"the archive's code is malformed: line {line} has {text[at : at + 10]!r}"
            )
        yield match
        at = match.end()


def _open_after(opened: str, kind: str, part: str, line: int) -> str:
    """The open brackets after a token."""
    if kind == "open":
        if len(opened) >= MAX_NESTING:
            raise UnsafeUploadError(
                f"line {line} of the archive's code nests more than {MAX_NESTING} brackets"
            )
        return opened + part
    if kind == "close":
        if opened[-1:] != _PAIRS[part]:
            raise InvalidUploadError(
                f"the archive's code is malformed: line {line} closes a bracket that is not open"
            )
        return opened[:-1]
    return opened
