"""The names that a TorchScript pickle may use, and why others are refused."""

import re

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

REBUILD_TENSOR = "torch._utils _rebuild_tensor_v2"

ELEMENT_BYTES = {
    "torch FloatStorage": 4,
    "torch DoubleStorage": 8,
    "torch HalfStorage": 2,
    "torch BFloat16Storage": 2,
    "torch LongStorage": 8,
    "torch IntStorage": 4,
    "torch ShortStorage": 2,
    "torch CharStorage": 1,
    "torch ByteStorage": 1,
    "torch BoolStorage": 1,
    "torch ComplexFloatStorage": 8,
    "torch ComplexDoubleStorage": 16,
}
"""Bytes of an element of each type of storage."""

_FUNCTIONS = {
    REBUILD_TENSOR,
    "collections OrderedDict",
    "torch device",
    "builtins complex",
    "torch.jit._pickle build_boollist",
    "torch.jit._pickle build_doublelist",
    "torch.jit._pickle build_intlist",
    "torch.jit._pickle build_tensorlist",
    "torch.jit._pickle restore_type_tag",
}
_CLASS = re.compile(r"__torch__[\w.]* \w+", re.ASCII)
"""A class whose code is in the archive; written "module class"."""

_UNSUPPORTED = {
    "torch._utils _rebuild_qtensor": "quantised tensors, which cannot be trained",
    "torch._utils _rebuild_sparse_tensor": "sparse tensors",
    "torch._utils _rebuild_sparse_csr_tensor": "sparse tensors",
    "torch._utils _rebuild_nested_tensor": "nested tensors",
    "torch._utils _rebuild_meta_tensor_no_storage": "tensors without values (on the meta device)",
    "torch QInt8Storage": "quantised tensors, which cannot be trained",
    "torch QUInt8Storage": "quantised tensors, which cannot be trained",
    "torch QInt32Storage": "quantised tensors, which cannot be trained",
}
"""What honest archives hold and this service cannot use."""
QUANTISED = "quantised networks cannot be trained: upload the one before quantisation"


def check_name(name: str) -> None:
    """Raise InvalidUploadError or UnsafeUploadError if a pickle may not use a name, written "module name"."""
    if name in _UNSUPPORTED:
        raise InvalidUploadError(f"the archive holds {_UNSUPPORTED[name]}; this is not supported")
    if "torch.classes.quantized" in name:
        raise InvalidUploadError(QUANTISED)
    if "torch.classes" in name:
        raise UnsafeUploadError(f'a pickle names the native class "{name}"')
    if not (name in _FUNCTIONS or name in ELEMENT_BYTES or is_class(name)):
        raise UnsafeUploadError(
            f'a pickle names "{name[:100]}", which is neither a tensor nor a class of the archive\'s own code'
        )


def is_class(name: str) -> bool:
    """Whether a name is that of a class whose code is in the archive."""
    return _CLASS.fullmatch(name) is not None
