"""Operators that no network needs, recognised in the text of the code.

The list of what *is* permitted stands where networks are rebuilt: an operator that is missing here does no
harm. But here the sender is told at once, in a few milliseconds, what the file is refused for.
"""

import re

from workers.uploads.archive.names import QUANTISED
from workers.uploads.archive.tokens import Statement, Token
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

HARMFUL = re.compile(
    r"from_file|save|load|load_tensor|set_|set_data|resize_storage_bytes_?|data_ptr|_reinterpret_tensor"
    r"|_alloc_from_pool|_sparse_\w+_unsafe|rpc_\w+|breakpoint",
    re.ASCII,
)
"""They read or write files, or memory that is not the tensor's own, or reach other machines."""
_OWN_LIBRARIES = ("aten", "prim")
OTHER_LIBRARIES = ("torchvision", "torchaudio", "quantized", "sparse", "mkldnn_prepacked", "prepacked")
"""Libraries of operators that honest networks use, but that cannot be rebuilt."""


def check_operators(statement: Statement) -> None:
    """Raise UnsafeUploadError if a statement names an operator that only does harm or a native class, and
    InvalidUploadError if it names one of a library that is not supported."""
    texts = [token.text for token in statement.tokens]
    for at, token in enumerate(statement.tokens):
        if token.kind != "name" or token.text not in ("torch", "ops"):
            continue
        if token.text == "torch" and texts[at + 1 : at + 5] == [".", "classes", ".", "quantized"]:
            raise InvalidUploadError(QUANTISED)
        if token.text == "torch" and texts[at + 1 : at + 3] == [".", "classes"]:
            raise UnsafeUploadError(
                f"the archive's code uses a native class (torch.classes, line {statement.line})"
            )
        if at == 0 or texts[at - 1] != ".":
            _check_operator(_dotted(statement.tokens[at:]), statement.line)


def _dotted(tokens: list[Token]) -> list[str]:
    """The parts of the dotted name that tokens begin with: at most three matter."""
    parts = []
    for at in range(0, min(len(tokens), 6), 2):
        parts.append(tokens[at].text)
        if at + 1 == len(tokens) or tokens[at + 1].text != ".":
            break
    return parts


def _check_operator(parts: list[str], line: int) -> None:
    if parts[0] == "ops" and len(parts) > 1:
        library = parts[1]
        if library == "quantized":
            raise InvalidUploadError(QUANTISED)
        if library in OTHER_LIBRARIES:
            raise InvalidUploadError(
                f"the operator {'.'.join(parts[1:])} (line {line} of the archive's code) is not one of "
                "PyTorch's own; this is not supported"
            )
        if library not in _OWN_LIBRARIES:
            raise UnsafeUploadError(f"line {line} of the archive's code uses the operator {'.'.join(parts)}")
    if HARMFUL.fullmatch(parts[-1]) and len(parts) > 1:
        raise UnsafeUploadError(
            f"line {line} of the archive's code uses {'.'.join(parts)}, which does what no network needs"
        )
