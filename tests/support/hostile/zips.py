"""Zip archives that are not what they seem."""

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from service.contract.errors import ErrorCode
from tests.support.hostile.hostile import Hostile
from tests.support.hostile.writing import WEIGHTS, entries, torchscript, zipped

UNSAFE, INVALID = ErrorCode.UNSAFE_CHECKPOINT, ErrorCode.MODEL_INVALID
_CENTRAL = b"PK\1\2"
_LOCAL = b"PK\3\4"
_END = b"PK\5\6"


def _with(more: dict[str, bytes], deflated: tuple[str, ...] = ()) -> Callable[[Path], bytes]:
    return lambda _canary: zipped({**entries(), **more}, deflated)


def _deflated_tensor(_canary: Path) -> bytes:
    return zipped({**entries(), "archive/data/1": bytes(2**28)}, ("archive/data/1",))


def _code_bomb(_canary: Path) -> bytes:
    return zipped({**entries(), "archive/code/bomb.py": b"\n" * 2**28}, ("archive/code/bomb.py",))


def _pickle_bomb(_canary: Path) -> bytes:
    return zipped({**entries(), "archive/constants.pkl": b"N" * 2**28}, ("archive/constants.pkl",))


def _many_entries(_canary: Path) -> bytes:
    return zipped({**entries(), **{f"archive/data/{number}": b"" for number in range(1, 25_000)}})


def _twice(_canary: Path) -> bytes:
    """Two entries of one name, of which each reader may take another one."""
    content = torchscript(records={"0": WEIGHTS, "1": WEIGHTS})
    return content.replace(b"archive/data/1", b"archive/data/0")


def _overlapping(_canary: Path) -> bytes:
    """Every entry of the table of contents leads to the same bytes."""
    content = bytearray(torchscript(records={str(number): WEIGHTS for number in range(10)}))
    first = content.find(_LOCAL)
    at = content.find(_CENTRAL)
    while at >= 0:
        struct.pack_into("<L", content, at + 42, first)
        at = content.find(_CENTRAL, at + 1)
    return bytes(content)


def _sizes(packed: int, unpacked: int) -> Callable[[Path], bytes]:
    """An archive whose table of contents gives other sizes for the first record than it has."""

    def make(_canary: Path) -> bytes:
        content = bytearray(torchscript())
        at = content.rfind(_CENTRAL, 0, content.rfind(b"archive/data/0"))
        struct.pack_into("<LL", content, at + 20, packed, unpacked)
        return bytes(content)

    return make


def _encrypted(_canary: Path) -> bytes:
    content = bytearray(torchscript())
    content[content.find(_CENTRAL) + 8] |= 1
    return bytes(content)


def _directory_of_gigabytes(_canary: Path) -> bytes:
    content = bytearray(torchscript())
    struct.pack_into("<L", content, content.rfind(_END) + 12, 2**31)
    return bytes(content)


def _damaged_record(_canary: Path) -> bytes:
    """A flipped bit: the checksum does not fit."""
    content = bytearray(torchscript())
    content[content.find(WEIGHTS)] ^= 1
    return bytes(content)


def _state_dict(_canary: Path) -> bytes:
    return zipped({"archive/data.pkl": b"\x80\x02}.", "archive/version": b"3\n"})


def _unusual_compression(_canary: Path) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in entries().items():
            archive.writestr(name, content)
    return target.getvalue()


def _zip(
    name: str, tries: str, make: Callable[[Path], bytes], code: ErrorCode = UNSAFE, says: str = ""
) -> Hostile:
    return Hostile(name, tries, make, "read", code, says)


ZIPS = (
    _zip("deflated-tensor", "unpack 256 MiB from a small file", _deflated_tensor, says="compressed"),
    _zip("code-bomb", "unpack 256 MiB of code", _code_bomb, says="bytes of code"),
    _zip("pickle-bomb", "unpack 256 MiB of pickle", _pickle_bomb, says="would unpack"),
    _zip("many-entries", "keep the reader busy", _many_entries, says="entries"),
    _zip("same-name-twice", "show two readers two contents", _twice, says="two entries"),
    _zip("overlapping-entries", "unpack the same bytes often", _overlapping, says="overlaps"),
    _zip("record-too-large", "read behind an entry", _sizes(64, 10**9), says="as large as it says"),
    _zip("entry-beyond-file", "read behind the file", _sizes(10**9, 10**9), says="overlaps"),
    _zip("unpacked-too-large", "ask for terabytes", _sizes(2**32 - 2, 2**32 - 2), says=""),
    _zip(
        "directory-of-gigabytes",
        "make the reader's table huge",
        _directory_of_gigabytes,
        says="table of contents",
    ),
    _zip(
        "path-upwards",
        "write outside of a folder",
        _with({"archive/../../../../tmp/harm": b"harm"}),
        says="plain path",
    ),
    _zip("absolute-path", "write anywhere", _with({"/etc/harm": b"harm"}), says="plain path"),
    _zip(
        "backslash-path",
        "write anywhere, on some systems",
        _with({"archive\\..\\harm": b"harm"}),
        says="plain path",
    ),
    _zip(
        "two-folders", "show two readers two archives", _with({"other/data.pkl": b"."}), INVALID, "one folder"
    ),
    _zip("encrypted", "hide its content", _encrypted, INVALID, "encrypted"),
    _zip("unusual-compression", "use a rare way of compression", _unusual_compression, INVALID, "compressed"),
    _zip("damaged-record", "have a checksum that does not fit", _damaged_record, INVALID, "damaged"),
    _zip("cut-off", "end too early", lambda _: torchscript()[:-40], INVALID, "cut off"),
    _zip("garbage-file", "be no archive", lambda _: bytes(range(256)) * 40, INVALID, "not a zip archive"),
    _zip("empty-file", "be nothing", lambda _: b"", INVALID, "not a zip archive"),
    _zip("end-record-only", "be an archive of nothing", lambda _: _END + bytes(18), INVALID, "one folder"),
    _zip("state-dict", "be weights without a network", _state_dict, INVALID, "torch.jit.save"),
)
