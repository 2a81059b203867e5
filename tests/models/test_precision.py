"""Emulated TF32: the factors of products have 10 bits after the point, and nothing else has."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from upsampling_artifacts.models.precision import emulated_tf32, round_to_tf32

STEP = 2**-10  # between the numbers of TF32 from 1 to 2

without_gradients = pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])


def difference(one: Tensor, other: Tensor) -> float:
    """Largest difference re the largest value."""
    return float((one - other).abs().max() / other.abs().max())


def test_rounding_is_to_the_nearest_and_away_from_zero_between_two() -> None:
    x = torch.tensor([1.0, 1.49, 1.5, 1.51, 2.5, -1.5, -1.49]) * STEP + torch.tensor(
        [1.0, 1, 1, 1, 1, -1, -1]
    )
    expected = torch.tensor([1.0, 1, 2, 2, 3, -2, -1]) * STEP + torch.tensor(
        [1.0, 1, 1, 1, 1, -1, -1]
    )
    assert round_to_tf32(x).equal(expected)
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), 2.0**120, 2.0**-120])
    assert round_to_tf32(special).equal(special)
    assert round_to_tf32(torch.tensor(float("nan"))).isnan()


def test_rounding_keeps_11_significant_bits_of_any_number() -> None:
    x = torch.randn(1000).exp().mul(torch.randn(1000))
    mantissa, exponent = np.frexp(x.double().numpy())
    nearest = np.ldexp(np.round(mantissa * 2**11), exponent - 11)
    assert np.array_equal(round_to_tf32(x).double().numpy(), nearest)
    assert round_to_tf32(x.reshape(10, 100).T).equal(round_to_tf32(x).reshape(10, 100).T)


@without_gradients
@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d, nn.Conv2d, nn.ConvTranspose2d])
def test_a_convolution_multiplies_rounded_factors(kind: type, mode) -> None:
    layer = kind(16, 16, 3)
    x = torch.randn(1, 16, 9, 9)[..., 0 if "1d" in kind.__name__ else slice(None)]
    with mode():
        single = layer(x)
        with emulated_tf32():
            emulated = layer(x)
        layer.weight.copy_(round_to_tf32(layer.weight))
        expected = layer(round_to_tf32(x))
    assert emulated.equal(expected)
    assert 1e-5 < difference(emulated, single) < 1e-3


def test_arguments_may_be_named() -> None:
    x, weight = torch.randn(1, 4, 9), torch.randn(4, 4, 3)
    with emulated_tf32():
        named = torch.conv1d(input=x, weight=weight, bias=torch.ones(4))
        assert named.equal(torch.conv1d(x, weight, torch.ones(4)))


def lstm_in_tf32(layer: nn.LSTM, x: Tensor) -> Tensor:
    """A bidirectional LSTM, step by step, from products of rounded factors."""

    def product(x: Tensor, weight: Tensor) -> Tensor:
        return round_to_tf32(x) @ round_to_tf32(weight).T

    for weights in zip(layer.all_weights[::2], layer.all_weights[1::2], strict=True):
        directions = []
        for (w_x, w_h, b_x, b_h), order in zip(weights, (1, -1), strict=True):
            hidden = cell = torch.zeros(x.shape[1], layer.hidden_size)
            outputs = []
            for step in list(x)[::order]:
                gates = product(step, w_x) + b_x + product(hidden, w_h) + b_h
                inward, forget, new, outward = gates.chunk(4, dim=-1)
                cell = forget.sigmoid() * cell + inward.sigmoid() * new.tanh()
                hidden = outward.sigmoid() * cell.tanh()
                outputs.append(hidden)
            directions.append(torch.stack(outputs[::order]))
        x = torch.cat(directions, dim=-1)
    return x


@without_gradients
def test_an_lstm_rounds_its_input_and_its_state_at_every_step(mode) -> None:
    layer, x = nn.LSTM(8, 12, 2, bidirectional=True), torch.randn(7, 3, 8)
    with mode():
        single, _ = layer(x)
        with emulated_tf32():
            emulated, _ = layer(x)
        # The median: sums in another order differ in the last bit, and a state between two numbers
        # of TF32 may then be rounded to the other one.
        assert (emulated - lstm_in_tf32(layer, x)).abs().median() < 1e-6
        assert (emulated - single).abs().median() > 2e-6


@without_gradients
@pytest.mark.parametrize("shape", [(4, 16), (2, 4, 16)])
def test_linear_layers_are_rounded_on_request(mode, shape: tuple) -> None:
    layer, x = nn.Linear(16, 16), torch.randn(shape)
    with mode():
        single = layer(x)
        with emulated_tf32():
            assert layer(x).equal(single)
            assert (x @ layer.weight).equal(x @ layer.weight)
        with emulated_tf32(matrix_products=True):
            emulated, product = layer(x), x @ layer.weight
        rounded = round_to_tf32(layer.weight)
        assert difference(emulated, round_to_tf32(x) @ rounded.T + layer.bias) < 1e-6
        assert difference(product, round_to_tf32(x) @ rounded) < 1e-6
        assert difference(emulated, single) > 1e-5


def test_other_types_and_operations_are_not_rounded() -> None:
    layer, x = nn.Conv1d(4, 4, 3).double(), torch.randn(1, 4, 9).double()
    with torch.no_grad(), emulated_tf32(matrix_products=True):
        emulated = layer(x)
        assert (x.float() * x.float() + x.float()).equal(x.float() ** 2 + x.float())
    assert emulated.equal(layer(x))


def test_the_emulation_ends_and_leaves_no_gradients() -> None:
    layer, x = nn.Conv1d(4, 4, 3), torch.randn(1, 4, 9)
    onednn = torch.backends.mkldnn.enabled
    with emulated_tf32():
        assert not layer(x).requires_grad
        nn.LSTM(4, 4)(x.mT)
    assert torch.backends.mkldnn.enabled == onednn
    y = layer(x)
    assert y.requires_grad and not y.equal(layer(round_to_tf32(x)))
