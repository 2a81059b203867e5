"""Counted arithmetic against what is counted by hand."""

import math

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from upsampling_artifacts.models.flops import count_all_steps_at_once, tflop_per_step


class Recurrent(nn.Module):
    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return self.layer(mixture.transpose(1, 2))[0].transpose(1, 2)[:, None]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_are_counted_as_products_with_their_weights(kind: type) -> None:
    samples, hidden = 50, 8
    with torch.device("meta"):
        layer = kind(2 * hidden, hidden, 2, bidirectional=True, batch_first=True)
        batch = torch.zeros(3, 1, 2 * hidden, samples, dtype=torch.int16), torch.ones(3, 1, 1, 1)
    gates = len(layer.weight_ih_l0)
    # Weights of both layers and directions: a product each forward, and two backward; the input of
    # the first layer gets no gradient.
    products = 2 * 2 * (2 * hidden + hidden) * gates * 3 - 2 * 2 * hidden * gates
    expected = 2 * 3 * samples * products / 1e12
    assert tflop_per_step(Recurrent(layer), batch, "") == pytest.approx(expected)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_forward_pass_of_all_steps_at_once_is_that_of_one_after_the_other(kind: type) -> None:
    with torch.device("meta"):
        layer, x = kind(6, 5, 2, bidirectional=True), torch.zeros(9, 3, 6)
    counts, shapes = [], []
    for _ in range(2):
        with FlopCounterMode(display=False) as counter:
            y, state = layer(x)
        counts.append(counter.get_total_flops())
        shapes.append([y.shape, *(part.shape for part in state)])
        count_all_steps_at_once(layer)
    assert counts[0] == counts[1] > 0 and shapes[0] == shapes[1]


class LooksAtValues(nn.Module):
    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return mixture[:, None] * mixture.max().item()


def test_what_does_not_run_without_values_is_not_counted(caplog: pytest.LogCaptureFixture) -> None:
    with torch.device("meta"):
        batch = torch.zeros(3, 1, 2, 9, dtype=torch.int16), torch.ones(3, 1, 1, 1)
    tflop = tflop_per_step(LooksAtValues(), batch, "mine")
    assert math.isnan(tflop)
    assert "mine: the arithmetic of a step is not counted" in caplog.text
