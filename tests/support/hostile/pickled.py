"""Pickles that do harm when they are read."""

from collections.abc import Callable
from pathlib import Path

from service.contract.errors import ErrorCode
from tests.support.hostile.hostile import Hostile
from tests.support.hostile.writing import integer, name, network, tensor, text, torchscript

UNSAFE, INVALID = ErrorCode.UNSAFE_CHECKPOINT, ErrorCode.MODEL_INVALID


def _data(pickle: bytes) -> Callable[[Path], bytes]:
    return lambda _canary: torchscript(data=pickle)


def _weight(weight: bytes) -> Callable[[Path], bytes]:
    return _data(network(weight=weight))


def _attribute(value: bytes) -> Callable[[Path], bytes]:
    return _data(network(more=text("more") + value))


def _command(canary: Path) -> bytes:
    return torchscript(
        data=b"\x80\x02" + name("os", "system") + b"(" + text(f"echo harm > {canary}") + b"tR."
    )


def _evaluation(canary: Path) -> bytes:
    expression = f"open({str(canary)!r}, 'w')"
    return torchscript(data=b"\x80\x02" + name("builtins", "eval") + b"(" + text(expression) + b"tR.")


def _references() -> bytes:
    """A tuple of two references to a tuple of two references to …: 2^60 values, and barely any bytes."""
    levels = b"".join(
        b"h" + bytes([level]) * 1 + b"h" + bytes([level]) + b"\x86q" + bytes([level + 1])
        for level in range(60)
    )
    return b")q\x00" + levels


def _pickled(
    name: str, tries: str, make: Callable[[Path], bytes], code: ErrorCode = UNSAFE, says: str = ""
) -> Hostile:
    return Hostile(name, tries, make, "read", code, says)


_BEYOND = tensor(shape=(5, 4))
_TYPE = text("List[" * 1000 + "int" + "]" * 1000)

PICKLED = (
    _pickled("pickled-command", "run a command", _command, says="os system"),
    _pickled("pickled-evaluation", "evaluate Python", _evaluation, says="builtins eval"),
    _pickled(
        "pickled-module",
        "name a module by a newer operation",
        _data(b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
        says="SHORT_BINUNICODE",
    ),
    _pickled(
        "native-object",
        "make an object of a native class",
        _data(b"\x80\x02" + name("__torch__.torch.classes.a", "B") + b")\x81."),
        says="native class",
    ),
    _pickled(
        "storage-too-large",
        "read and write memory behind a record",
        _weight(tensor(elements=10_000_000)),
        says="10,000,000 elements",
    ),
    _pickled(
        "storage-missing",
        "use a record that is not there",
        _weight(tensor(key="7")),
        says="not in the archive",
    ),
    _pickled(
        "tensor-beyond-storage",
        "read and write memory behind a storage",
        _weight(_BEYOND),
        says="within its storage",
    ),
    _pickled(
        "tensor-before-storage",
        "read and write memory before a storage",
        _weight(tensor(offset=-4)),
        says="shape",
    ),
    _pickled(
        "negative-stride",
        "read and write memory before a storage",
        _weight(tensor(strides=(-4, 1))),
        says="shape",
    ),
    _pickled(
        "broadcast-tensor",
        "claim 2^40 elements with stride 0",
        _weight(tensor(shape=(2**20, 2**20), strides=(0, 0))),
        says="within its storage",
    ),
    _pickled(
        "nested-tuples",
        "overflow the reader's stack",
        _attribute(b"(" * 3_000_000 + b"t" * 3_000_000),
        says="nests",
    ),
    _pickled(
        "nested-short-tuples",
        "overflow the reader's stack",
        _attribute(b")" + b"\x85" * 3_000_000),
        says="nests",
    ),
    _pickled(
        "nested-lists",
        "overflow the reader's stack",
        _attribute(b"](" * 3_000_000 + b"e" * 3_000_000),
        says="nests",
    ),
    _pickled("nested-type", "overflow the type reader's stack", _attribute(_TYPE), says="nested too deeply"),
    _pickled("reference-bomb", "unfold to 2^60 values", _attribute(_references()), says="unfold"),
    _pickled(
        "list-in-itself", "never end when it is walked", _attribute(b"]q\x01h\x01a"), says="contain itself"
    ),
    _pickled(
        "many-operations",
        "keep the reader busy",
        _attribute(b"(" + b"N" * 2_000_000 + b"t"),
        says="operations",
    ),
    _pickled(
        "integer-of-2040-bits",
        "overflow an integer",
        _attribute(b"\x8a\xff" + b"\x7f" * 255),
        INVALID,
        says="64 bits",
    ),
    _pickled("empty-stack", "take what is not there", _data(b"\x80\x02\x86."), INVALID, says="damaged"),
    _pickled(
        "unknown-reference", "recall what was never kept", _data(b"\x80\x02h\x07."), INVALID, says="damaged"
    ),
    _pickled("cut-off-pickle", "end too early", _data(network()[:-20]), INVALID, says="damaged"),
    _pickled(
        "two-objects",
        "end with more than one object",
        _data(b"\x80\x02" + integer(1) + integer(2) + b"."),
        INVALID,
        says="one object",
    ),
)
