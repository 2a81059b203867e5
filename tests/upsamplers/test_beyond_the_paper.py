"""Zero insertion, sinc, learned interpolation and wavelets: known outputs."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import firwin, freqz
from torch import Tensor, nn
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.flops import parameter_count
from upsampling_artifacts.upsamplers.learned_interpolation import LearnedInterpolationConvolution
from upsampling_artifacts.upsamplers.sinc import SincConvolution, sinc_phases
from upsampling_artifacts.upsamplers.subpixel import SubpixelConvolution
from upsampling_artifacts.upsamplers.wavelet import WaveletConvolution, WaveletSynthesis
from upsampling_artifacts.upsamplers.zero_insertion import ZeroInsertionConvolution

every_stride = pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])


def row(*values: float) -> Tensor:
    """One channel of one signal."""
    return torch.tensor([[values]], dtype=torch.float32)


def test_zero_insertion_surrounds_every_sample_with_zeros() -> None:
    assert ZeroInsertionConvolution(1, 1, 3, length=3).interpolate(row(1, 2)).tolist() == [
        [[0, 1, 0, 0, 2, 0]]
    ]
    assert ZeroInsertionConvolution(1, 1, 4, length=4).interpolate(row(1, 2)).tolist() == [
        [[0, 0, 1, 0, 0, 0, 2, 0]]
    ]


@every_stride
def test_zero_insertion_and_a_convolution_equal_a_transposed_convolution(stride: int) -> None:
    length = 2 * stride + 1
    layer = ZeroInsertionConvolution(3, 2, stride, length=length)
    x = torch.randn(2, 3, 11)
    untrimmed = nn.functional.conv_transpose1d(
        x, layer.convolution.weight.flip(-1).transpose(0, 1), layer.convolution.bias, stride
    )
    first = length // 2 - stride // 2
    torch.testing.assert_close(layer(x), untrimmed[..., first : first + 11 * stride])


def test_learned_interpolation_starts_as_linear_and_holds_the_ends() -> None:
    by_two = LearnedInterpolationConvolution(1, 1, 2, length=1)
    torch.testing.assert_close(by_two.interpolate(row(0, 4)), row(0, 0, 2, 4))
    by_four = LearnedInterpolationConvolution(1, 1, 4, length=1)
    torch.testing.assert_close(by_four.interpolate(row(0, 8)), row(0, 0, 0, 2, 4, 6, 8, 8))
    by_three = LearnedInterpolationConvolution(1, 1, 3, length=1)
    torch.testing.assert_close(by_three.interpolate(row(3, 6, 0)), row(3, 3, 4, 5, 6, 4, 2, 0, 0))


def test_learned_interpolation_by_2_is_that_of_wave_u_net() -> None:
    """``s x[n] + (1 - s) x[n + 1]`` between two samples, with one ``s`` per channel."""
    layer = LearnedInterpolationConvolution(2, 1, 2, length=1)
    with torch.no_grad():
        layer.theta.copy_(torch.tensor([[math.log(3)], [-math.log(3)]]))  # s = 3/4 and 1/4
    y = layer.interpolate(torch.tensor([[[0.0, 4.0, 8.0], [0.0, 4.0, 8.0]]]))[0]
    torch.testing.assert_close(y[0], torch.tensor([0.0, 0, 1, 4, 5, 8]))
    torch.testing.assert_close(y[1], torch.tensor([0.0, 0, 3, 4, 7, 8]))


@every_stride
def test_a_constant_stays_constant_whatever_interpolation_is_learned(stride: int) -> None:
    layer = LearnedInterpolationConvolution(3, 1, stride, length=1)
    assert parameter_count(layer) == 3 * (stride - 1) + 3 + 1
    nn.init.normal_(layer.theta, std=3)
    ones = torch.ones(1, 3, 9)
    torch.testing.assert_close(layer.interpolate(ones), torch.ones(1, 3, 9 * stride))


@every_stride
def test_the_sinc_is_scipys_kaiser_windowed_low_pass_filter(stride: int) -> None:
    zeros, beta = 12, 5.0
    # Read as one filter: from late to early input samples, and within each by phase.
    ours = np.trim_zeros(sinc_phases(stride, zeros, beta).T[::-1].ravel())
    assert len(ours) == 2 * zeros * stride - stride % 2
    frequencies, response = freqz(ours / stride, worN=2048)
    _, expected = freqz(firwin(len(ours), 1 / stride, window=("kaiser", beta)), worN=2048)
    np.testing.assert_allclose(np.abs(response), np.abs(expected), atol=0.01)
    stopband = frequencies > np.pi * 1.25 / stride
    assert 20 * np.log10(np.abs(response[stopband]).max()) < -50


@every_stride
def test_the_sinc_interpolates_passband_tones_closely_and_constants_exactly(stride: int) -> None:
    layer = SincConvolution(1, 1, stride, length=1).double()
    layer.phases = torch.from_numpy(sinc_phases(stride)).unsqueeze(1)
    times = torch.arange(200, dtype=torch.float64)
    fine = (torch.arange(200 * stride, dtype=torch.float64) - (stride - 1) / 2) / stride
    for frequency in (0.05, 0.2, 0.4):
        y = layer.interpolate(torch.cos(2 * math.pi * frequency * times)[None, None])[0, 0]
        expected = torch.cos(2 * math.pi * frequency * fine)
        inner = slice(20 * stride, -20 * stride)
        torch.testing.assert_close(y[inner], expected[inner], rtol=0, atol=4e-3)
    ones = torch.ones(1, 1, 5, dtype=torch.float64)
    torch.testing.assert_close(layer.interpolate(ones), torch.ones(1, 1, 5 * stride).double())


def test_only_the_convolution_of_a_sinc_layer_is_learned_and_saved() -> None:
    layer = SincConvolution(3, 2, 4, length=9)
    assert list(layer.state_dict()) == ["convolution.weight", "convolution.bias"]
    with pytest.raises(InputError, match=r"^zeros: 0 zero crossings do not make a filter; use 1"):
        SincConvolution(3, 2, 4, length=9, zeros=0)


def haar_analysis(x: Tensor) -> Tensor:
    """One octave of the transform by definition, ``(batch, 2 * channels, time / 2)``."""
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.cat([even + odd, odd - even], dim=1) / math.sqrt(2)


@pytest.mark.parametrize("learnable", [True, False])
def test_haar_synthesis_inverts_haar_analysis(learnable: bool) -> None:
    synthesis = WaveletSynthesis("haar", learnable)
    x = torch.randn(2, 3, 16)
    torch.testing.assert_close(synthesis(haar_analysis(x)), x)
    twice = synthesis(synthesis(haar_analysis(haar_analysis(x))))
    torch.testing.assert_close(twice, x)


@pytest.mark.parametrize("learnable", [True, False])
def test_the_lazy_wavelet_interleaves_its_halves(learnable: bool) -> None:
    x = torch.tensor([[[1.0, 2.0], [10.0, 20.0], [3.0, 4.0], [30.0, 40.0]]])
    expected = torch.tensor([[[1.0, 3, 2, 4], [10, 30, 20, 40]]])
    assert torch.equal(WaveletSynthesis("lazy", learnable)(x), expected)


def test_a_lazy_wavelet_layer_is_a_subpixel_convolution_with_reordered_filters() -> None:
    lazy = WaveletConvolution(3, 2, 4, length=3, wavelet="lazy")
    subpixel = SubpixelConvolution(3, 2, 4, length=3)
    # Ordered by phase, not by channel.
    order = [2 * phase + channel for channel in range(2) for phase in range(4)]
    with torch.no_grad():
        for ours, theirs in zip(lazy.parameters(), subpixel.parameters(), strict=True):
            theirs.copy_(ours[order])
    x = torch.randn(2, 3, 9)
    torch.testing.assert_close(lazy(x), subpixel(x))


def test_learnable_wavelets_add_two_filters_of_length_3_per_octave() -> None:
    fixed = WaveletConvolution(3, 2, 8, length=3)
    learnable = WaveletConvolution(3, 2, 8, length=3, learnable=True)
    assert parameter_count(learnable) == parameter_count(fixed) + 3 * 2 * 3
    assert list(fixed.state_dict()) == ["convolution.weight", "convolution.bias"]
    torch.manual_seed(0)
    first = WaveletConvolution(3, 2, 8, length=3)
    torch.manual_seed(0)
    second = WaveletConvolution(3, 2, 8, length=3, learnable=True)
    x = torch.randn(1, 3, 7)
    torch.testing.assert_close(first(x), second(x))


@pytest.mark.parametrize("stride", [3, 5, 6, 12])
def test_a_stride_that_is_not_a_power_of_two_is_an_input_error_for_wavelets(stride: int) -> None:
    message = rf"^stride: {stride} is not a power of two; use 2, 4, 8, \.\.\.$"
    with pytest.raises(InputError, match=message):
        WaveletConvolution(3, 2, stride, length=3)


def test_an_unknown_wavelet_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"^wavelet: 'db4' is unknown; known: haar, lazy$"):
        WaveletConvolution(3, 2, 4, length=3, wavelet="db4")
