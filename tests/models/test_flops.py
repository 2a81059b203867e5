"""Counted FLOPs agree with counts by hand."""

import math

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from upsampling_artifacts.models.flops import batch_time_steps, tflop_per_step


class Recurrent(nn.Module):
    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return self.layer(mixture.transpose(1, 2))[0].transpose(1, 2)[:, None]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_flops_of_recurrent_layers_are_those_of_their_weight_products(kind: type) -> None:
    samples, hidden = 50, 8
    with torch.device("meta"):
        layer = kind(2 * hidden, hidden, 2, bidirectional=True, batch_first=True)
        batch = torch.zeros(3, 1, 2 * hidden, samples, dtype=torch.int16), torch.ones(3, 1, 1, 1)
    gates = len(layer.weight_ih_l0)
    # Each weight of both layers and directions takes a product forward and two backward. The input
    # of the first layer gets no gradient.
    products = 2 * 2 * (2 * hidden + hidden) * gates * 3 - 2 * 2 * hidden * gates
    expected = 2 * 3 * samples * products / 1e12
    assert tflop_per_step(Recurrent(layer), batch, "") == pytest.approx(expected)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_batched_time_steps_have_the_same_flops_and_shapes(kind: type) -> None:
    with torch.device("meta"):
        layer, x = kind(6, 5, 2, bidirectional=True), torch.zeros(9, 3, 6)
    counts, shapes = [], []
    for _ in range(2):
        with FlopCounterMode(display=False) as counter:
            y, state = layer(x)
        counts.append(counter.get_total_flops())
        shapes.append([y.shape, *(part.shape for part in state)])
        batch_time_steps(layer)
    assert counts[0] == counts[1] > 0 and shapes[0] == shapes[1]


class ReadsValues(nn.Module):
    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return mixture[:, None] * mixture.max().item()


def test_a_model_that_fails_on_meta_has_no_flops(caplog: pytest.LogCaptureFixture) -> None:
    with torch.device("meta"):
        batch = torch.zeros(3, 1, 2, 9, dtype=torch.int16), torch.ones(3, 1, 1, 1)
    tflop = tflop_per_step(ReadsValues(), batch, "mine")
    assert math.isnan(tflop)
    assert "mine: no FLOPs, because a step fails on the meta device" in caplog.text
