"""Candidates for a full-size step on a GPU compute what the library computes."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from upsampling_artifacts.benchmarks.gpu_full_size import (
    CANDIDATES,
    FULL_SIZE,
    SYSTEM,
    SideBySide,
    compile_blocks,
    measure_candidates,
    run_directions_side_by_side,
)
from upsampling_artifacts.models.build import build_model

SMALL = {**SYSTEM, "options": {"channels": 4, "depth": 2}}


@pytest.mark.parametrize("bias", [True, False])
def test_directions_side_by_side_are_the_bidirectional_lstm(bias: bool) -> None:
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 5, num_layers=2, bidirectional=True, bias=bias).double()
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    results = []
    for layer in (lstm, SideBySide(lstm)):
        y, _ = layer(x)
        results.append([y, *torch.autograd.grad(y.square().sum(), list(lstm.parameters()))])
    torch.testing.assert_close(*results)


def test_directions_side_by_side_follow_autocast() -> None:
    layer = SideBySide(nn.LSTM(3, 5, bidirectional=True))
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(torch.randn(7, 2, 3))
    assert y.dtype == torch.bfloat16 and layer.lstm.weight_ih_l0.dtype == torch.float32


def test_a_changed_network_is_the_same_network() -> None:
    """It has the same outputs, and the parameters that an optimizer already holds."""
    network = build_model(**SMALL, n_sources=2, audio_channels=1, seed=0)
    parameters = set(network.parameters())
    x = torch.randn(1, 1, 256)
    expected = network(x)
    run_directions_side_by_side(network)
    compile_blocks(network, backend="eager")
    torch.testing.assert_close(network(x), expected)
    assert set(network.parameters()) == parameters


def test_the_table_has_a_row_per_candidate(tmp_path: Path) -> None:
    options = replace(FULL_SIZE, accelerator="cpu", batch_size=1, segment_seconds=0.1)
    path = tmp_path / "candidates.csv"
    measure_candidates(path, options, SMALL, rate_hz=1000, seconds=0.0, backend="eager")
    table = pd.read_csv(path)
    assert table["candidate"].tolist() == list(CANDIDATES)
    assert table["ratio_to_library"].iloc[0] == 1 and table["ratio_to_library"].notna().all()
