"""Data sets: from a request to tensors."""

from collections.abc import Callable

from service.contract.data_spec import BuiltinData, BuiltinName, DataRequest
from workers.data.adding import make_adding
from workers.data.dataset import Dataset
from workers.data.real import load_real
from workers.data.synthetic import make_synthetic

__all__ = ["Dataset", "load_dataset"]

_BUILTIN: dict[BuiltinName, Callable[[BuiltinData, int], Dataset]] = {"adding": make_adding}
"""Makers of the built-in sets that are not real ones."""


def load_dataset(data: DataRequest, seed: int) -> Dataset:
    """The data set asked for. Generated samples depend on the seed, real ones do not."""
    if isinstance(data, BuiltinData):
        return _BUILTIN.get(data.name, load_real)(data, seed)
    return make_synthetic(data, seed)
