"""Data sets: from a request to tensors."""

from collections.abc import Callable

from service.contract.data_spec import BuiltinData, BuiltinName, DataRequest, UploadData
from workers.data.adding import make_adding
from workers.data.dataset import Dataset, Scale
from workers.data.real import load_real
from workers.data.synthetic import make_synthetic
from workers.data.upload import load_upload, shape_of
from workers.files import OpenFile, no_files

__all__ = ["Dataset", "Scale", "load_dataset", "shape_of"]

_BUILTIN: dict[BuiltinName, Callable[[BuiltinData, int], Dataset]] = {"adding": make_adding}
"""Makers of the built-in sets that are not real ones."""


def load_dataset(data: DataRequest, seed: int, open_file: OpenFile = no_files) -> Dataset:
    """The data set asked for. Generated samples depend on the seed, real ones do not.

    Raises UploadError for a file that cannot be used.
    """
    if isinstance(data, BuiltinData):
        return _BUILTIN.get(data.name, load_real)(data, seed)
    if isinstance(data, UploadData):
        return load_upload(data, open_file)
    return make_synthetic(data, seed)
