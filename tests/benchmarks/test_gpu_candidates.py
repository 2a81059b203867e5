"""Candidates for a GPU: they compute what they replace, and their tables are written."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.nn import functional as F
from upsampling_artifacts.benchmarks.gpu_candidates import (
    LENGTHS,
    MEDIUM_SIZE,
    measure_frame_products,
    measure_replayed_steps,
    strided_convolution,
    transposed_convolution,
)


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_frames_are_the_convolutions(stride: int, transposed: bool) -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return drawn.requires_grad_()

    x, weight, bias = draw(3, 6 * stride, 5), draw(7, 5, 2 * stride), draw(7)
    convolution, in_frames = F.conv1d, strided_convolution
    if transposed:
        weight = draw(5, 7, 2 * stride)
        convolution, in_frames = F.conv_transpose1d, transposed_convolution
    expected = convolution(
        x.transpose(1, 2), weight, bias, stride=stride, padding=stride // 2
    ).transpose(1, 2)
    y = in_frames(x, weight, bias)
    torch.testing.assert_close(y, expected)
    gradients = [
        torch.autograd.grad(value.square().sum(), (x, weight, bias)) for value in (y, expected)
    ]
    torch.testing.assert_close(*gradients)


def test_the_tables_have_a_row_per_candidate(tmp_path: Path) -> None:
    measure_frame_products(tmp_path / "frames.csv", [(2, 4, 1)], device="cpu", seconds=0.0)
    frames = pd.read_csv(tmp_path / "frames.csv")
    assert frames["layer"].tolist() == ["strided", "transposed"] and frames.notna().all(axis=None)
    options = replace(MEDIUM_SIZE, accelerator="cpu", batch_size=1, segment_seconds=0.1)
    measure_replayed_steps(
        tmp_path / "steps.csv", options, {"channels": 2, "depth": 2}, rate_hz=1000, seconds=0.0
    )
    steps = pd.read_csv(tmp_path / "steps.csv")
    assert steps["upsampler"].tolist() == 2 * list(LENGTHS)
    assert steps["ratio_to_transposed"].iloc[[0, 4]].eq(1).all()
    assert steps.notna().all(axis=None)
