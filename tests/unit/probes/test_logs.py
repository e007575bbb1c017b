"""Norm and sample logs: what they keep of a tensor, and what they do not."""

import math

import numpy as np
import pytest
import torch

from workers.probes.arena import Arena
from workers.probes.norms import NormLog
from workers.probes.samples import SAMPLE_SIZE, Layout, SampleLog, share_out

CPU = torch.device("cpu")


def norm_log(sizes: list[int]) -> tuple[Arena, NormLog]:
    arena = Arena(CPU)
    log = NormLog(arena, 4, sizes)
    arena.allocate()
    log.bind()
    return arena, log


@pytest.mark.parametrize("magnitude", [1e-40, 1e-30, 1e-19, 1.0, 1e19, 1e30])
def test_norms_are_exact_over_the_whole_range_of_float32(magnitude: float) -> None:
    arena, log = norm_log([50])
    tensor = torch.full((50,), magnitude)
    for _ in range(3):  # whatever precision the last norm has led to
        log.write(0, [tensor])
        expected = float(tensor.double().norm())
        assert log.read(arena.fetch(), 1)[0, 0] == pytest.approx(expected, rel=1e-6)


def test_a_tensor_of_ordinary_size_is_summed_in_float32_after_the_first_look() -> None:
    arena, log = norm_log([10, 10])
    log.write(0, [torch.ones(10), torch.full((10,), 1e-20)])
    log.read(arena.fetch(), 1)
    assert log.wide == [False, True]


def test_a_missing_tensor_has_no_norm() -> None:
    arena, log = norm_log([10, 10])
    log.write(0, [None, torch.ones(10)])
    norms = log.read(arena.fetch(), 1)
    assert math.isnan(norms[0, 0])
    assert norms[0, 1] == pytest.approx(10**0.5)


def test_a_sample_visits_every_column_of_a_matrix() -> None:
    matrix = torch.arange(128).repeat(64, 1).float()  # entry = its column
    assert len(set(Layout.of(matrix.numel()).view(matrix).flatten().tolist())) == 128


@pytest.mark.parametrize("entries", [0, 1, 7, 255, 256, 257, 300, 8192, 100_003])
def test_a_sample_stays_inside_the_tensor(entries: int) -> None:
    layout = Layout.of(entries)
    assert layout.count == min(entries, SAMPLE_SIZE)
    if entries:
        reach = sum((n - 1) * stride for n, stride in zip(layout.size, layout.stride, strict=True))
        assert reach < entries


def test_a_tensor_of_another_size_is_refused_rather_than_read_beyond_its_end() -> None:
    with pytest.raises(ValueError, match="10 entries where 8192"):
        Layout.of(8192).view(torch.zeros(10))


def test_an_expanded_tensor_is_sampled_as_what_it_stands_for() -> None:
    gradient = torch.tensor(2.0).expand(64, 64)  # what the backward of a sum gives
    assert (Layout.of(4096).view(gradient) == 2.0).all()


def test_tensors_of_a_layer_give_samples_in_proportion() -> None:
    assert share_out([3000, 1000]) == [192, 64]
    assert share_out([10, 20]) == [10, 20]
    assert sum(share_out([10_000, 1])) <= SAMPLE_SIZE


def test_samples_are_copies() -> None:
    arena = Arena(CPU)
    log = SampleLog(arena, 2, [[Layout.of(4)], [Layout.of(3)]])
    arena.allocate()
    log.bind()
    tensor = torch.ones(4)
    log.write(0, [tensor, None])
    tensor.zero_()
    block = log.read(arena.fetch(), 1)
    assert block.of(0).tolist() == [[1.0] * 4]
    assert np.isnan(block.of(1)).all()
