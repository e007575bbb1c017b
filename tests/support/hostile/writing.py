"""Archives written by hand, so that every byte can be wrong."""

import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO

WIDTH = 4
"""Inputs and outputs of the networks here: (batch, 4) to (batch, 4)."""
WEIGHTS = struct.pack(
    f"<{WIDTH * WIDTH}f", *[float(row == column) for row in range(4) for column in range(4)]
)
"""The identity, as float32."""
DECLARATIONS = """class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  training : bool
"""
FORWARD = """  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
"""
RESULT = """    weight = self.weight
    return torch.linear(x, weight, None)
"""


def zipped(entries: Mapping[str, bytes], deflated: tuple[str, ...] = ()) -> bytes:
    """A zip archive; the entries named in `deflated` are compressed."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            kind = zipfile.ZIP_DEFLATED if name in deflated else zipfile.ZIP_STORED
            archive.writestr(name, content, kind)
    return target.getvalue()


def entries(
    code: str = DECLARATIONS + FORWARD + RESULT,
    data: bytes | None = None,
    records: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The entries of a TorchScript archive: a class `Net` with this code and one parameter."""
    records = {"0": WEIGHTS} if records is None else records
    return {
        "archive/data.pkl": network() if data is None else data,
        "archive/code/__torch__.py": code.encode(),
        **{f"archive/data/{key}": record for key, record in records.items()},
        "archive/constants.pkl": b"\x80\x02).",
        "archive/version": b"3\n",
        "archive/byteorder": b"little",
    }


def torchscript(
    code: str = DECLARATIONS + FORWARD + RESULT,
    data: bytes | None = None,
    records: Mapping[str, bytes] | None = None,
) -> bytes:
    """A TorchScript archive: see `entries`."""
    return zipped(entries(code, data, records))


def running(*lines: str, before: str = "") -> bytes:
    """A TorchScript archive whose forward pass runs these lines before it multiplies by its weights.

    `before` is put before the class: functions that the lines may call as `__torch__.name`.
    """
    body = "".join(f"    {line}\n" for line in lines)
    return torchscript(DECLARATIONS + FORWARD + body + RESULT + before)


def name(module: str, attribute: str) -> bytes:
    """The pickle operation that names a class or function."""
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    """The pickle operation for a text."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def integer(value: int) -> bytes:
    """The pickle operation for an integer."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def integers(*values: int) -> bytes:
    """The pickle operations for a tuple of integers."""
    return b"(" + b"".join(integer(value) for value in values) + b"t"


def tensor(
    shape: tuple[int, ...] = (WIDTH, WIDTH),
    strides: tuple[int, ...] = (WIDTH, 1),
    offset: int = 0,
    elements: int = WIDTH * WIDTH,
    key: str = "0",
) -> bytes:
    """The pickle operations for a float32 tensor in a record."""
    reference = b"(" + text("storage") + name("torch", "FloatStorage") + text(key) + text("cpu")
    storage = reference + integer(elements) + b"tQ"
    layout = integer(offset) + integers(*shape) + integers(*strides)
    hooks = name("collections", "OrderedDict") + b")R"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + layout + b"\x88" + hooks + b"tR"


def network(weight: bytes = b"", more: bytes = b"") -> bytes:
    """The pickle of a `Net`: its weight, and `more` pairs of attribute and value."""
    state = text("weight") + (weight or tensor()) + text("training") + b"\x88" + more
    return b"\x80\x02" + name("__torch__", "Net") + b")\x81}(" + state + b"ub."
