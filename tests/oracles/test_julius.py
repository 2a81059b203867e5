"""Windowed-sinc interpolation agrees with julius, a resampler of others.

The window, the number of zero crossings and the position of the samples differ, so the outputs
agree where both are right: for signals well below the Nyquist frequency.
"""

import julius
import numpy as np
import pytest
import torch
from torch import Tensor
from upsampling_artifacts.upsamplers.sinc import SincConvolution

ZEROS = 64
"""Zero crossings of julius's filter: its transition band is a tenth of ours."""

EDGE = 2 * ZEROS
"""Input samples within reach of julius's filter, which treats the borders in its own way."""


def band_limited(highest: float, samples: int = 1024) -> Tensor:
    """Noise below a share of the Nyquist frequency, RMS 1."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[round(highest * len(spectrum)) :] = 0
    signal = np.fft.irfft(spectrum)
    return torch.from_numpy(signal / signal.std()).float()[None, None]


def by_julius(x: Tensor, stride: int) -> Tensor:
    """Interpolated by julius at the positions of our samples.

    Our output sample ``n`` lies ``(n - (stride - 1) / 2) / stride`` input samples after the first
    one: the output is centered on the input. At twice the rate, that is an integer position.
    """
    fine = julius.resample_frac(x, 1, 2 * stride, zeros=ZEROS, rolloff=0.999)
    positions = 2 * torch.arange(x.shape[-1] * stride) - (stride - 1)
    return fine[..., positions.clamp(min=0)]


def error_db(x: Tensor, stride: int, **options: float) -> float:
    """Energy of the difference over that of julius's output, without the borders."""
    ours = SincConvolution(1, 1, stride, length=9, **options).interpolate(x)
    inside = slice(EDGE * stride, -EDGE * stride)
    reference = by_julius(x, stride)[..., inside]
    difference = ours[..., inside] - reference
    return float(10 * torch.log10(difference.square().mean() / reference.square().mean()))


@pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])
def test_band_limited_signals_are_interpolated_as_by_julius(stride) -> None:
    """The Kaiser window's side lobes are at -54 dB (Kaiser & Schafer 1980 for a beta of 5)."""
    assert error_db(band_limited(0.8), stride) < -54


@pytest.mark.parametrize("stride", [2, 4])
def test_more_zero_crossings_and_a_wider_window_come_closer_to_julius(stride) -> None:
    errors_db = [
        error_db(band_limited(0.8), stride, zeros=zeros, beta=beta)
        for zeros, beta in [(6, 3.0), (12, 5.0), (48, 10.0)]
    ]
    assert errors_db == sorted(errors_db, reverse=True)
    assert errors_db[-1] < -80


def test_signals_at_the_nyquist_frequency_are_not() -> None:
    """In the transition band of our 12 zero crossings, images remain."""
    assert error_db(band_limited(1.0), 4) > -30
