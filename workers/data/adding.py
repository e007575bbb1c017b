"""The adding problem (Hochreiter & Schmidhuber 1997, §5.4; this form: Le et al. 2015, §4.1)."""

import torch

from service.contract.data_spec import BuiltinData
from workers.data.dataset import Dataset, split


def make_adding(data: BuiltinData, seed: int) -> Dataset:
    """Sequences of (number from U(0, 1), mark); one mark in either half; the target is the marked sum."""
    generator = torch.Generator().manual_seed(seed)
    shape = data.shape
    samples, time = shape.samples, shape.sample.shape[0]
    numbers = torch.rand(samples, time, generator=generator)
    marks = torch.zeros(samples, time)
    for start, end in ((0, time // 2), (time // 2, time)):
        marked = torch.randint(start, end, (samples, 1), generator=generator)
        marks.scatter_(1, marked, 1.0)
    targets = (numbers * marks).sum(dim=1, keepdim=True)
    return split(torch.stack((numbers, marks), dim=2), targets, shape)
