"""The low-pass after an upsampling layer: its design, and what it makes of the layer's tone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_layer, build_model
from upsampling_artifacts.upsamplers.low_pass import (
    STOPBAND_DB,
    LowPass,
    low_pass_taps,
    make_low_pass,
)

LAYERS = [{"name": "transposed", "length": 8}, {"name": "subpixel", "length": 3}]


def gains_db(taps: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Gains at frequencies re the sampling rate."""
    _, response = signal.freqz(taps, worN=2 * np.pi * frequencies)
    return 20 * np.log10(np.abs(response))


@pytest.mark.parametrize(("stride", "stopped_db"), [(2, -54), (3, -58.5), (4, -59), (8, -60)])
def test_the_old_band_passes_and_the_tones_are_stopped(stride: int, stopped_db: float) -> None:
    taps = low_pass_taps(stride)
    passband = gains_db(taps, np.linspace(0, 0.5 / stride, 200))
    stopband = gains_db(taps, np.linspace(1 / stride, 0.5, 200))
    assert np.abs(passband).max() < 0.02
    assert stopband.max() < stopped_db
    np.testing.assert_array_equal(taps, taps[::-1])  # no delay


def test_the_design_is_that_of_scipy() -> None:
    """Kaiser & Schafer's length and beta; scipy's cutoff is re the Nyquist frequency."""
    taps = low_pass_taps(4)
    length, beta = signal.kaiserord(STOPBAND_DB, width=0.25)
    assert length <= len(taps) <= length + 1
    expected = signal.firwin(len(taps), 0.375, window=("kaiser", beta))
    np.testing.assert_allclose(taps, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["fixed", "learnable"])
@pytest.mark.parametrize("upsampler", LAYERS)
def test_the_tone_of_a_layer_falls_by_the_attenuation(upsampler: dict, kind: str) -> None:
    """A constant makes a tone at rate / 4; the low-pass has the same weights before it."""
    offset = torch.ones(1, 8, 200)
    plain, filtered = (
        build_layer({**upsampler, "low_pass": low_pass}, 8, 4, 4, bias=False, seed=3)
        for low_pass in ("none", kind)
    )
    with torch.no_grad():
        outputs = [layer(offset)[0, :, 200:-200].numpy() for layer in (plain, filtered)]
    spectra = [np.abs(np.fft.rfft(output)) for output in outputs]
    bins = len(outputs[0][0]) // 4
    gains = spectra[1][:, [bins, 2 * bins]] / spectra[0][:, [bins, 2 * bins]]
    assert (gains < 10 ** ((3 - STOPBAND_DB) / 20)).all()
    np.testing.assert_allclose(spectra[1][:, 0], spectra[0][:, 0], rtol=1e-4)  # the offset stays


@pytest.mark.parametrize("upsampler", LAYERS)
def test_without_a_low_pass_nothing_changes(upsampler: dict) -> None:
    x = torch.randn(1, 8, 20)
    plain, none = (
        build_layer(u, 8, 4, 4, seed=1) for u in (upsampler, upsampler | {"low_pass": "none"})
    )
    assert torch.equal(plain(x), none(x))
    assert plain.state_dict().keys() == none.state_dict().keys()


def test_only_a_learnable_filter_is_trained_and_saved() -> None:
    fixed, learnable = LowPass(3, 4), LowPass(3, 4, learnable=True)
    assert not list(fixed.parameters())
    assert not fixed.state_dict()
    assert learnable.taps.shape == (3, 1, 31)
    x = torch.randn(2, 3, 50)
    torch.testing.assert_close(fixed(x), learnable(x))
    with torch.no_grad():
        learnable.taps[1] = 0
    assert not learnable(x)[:, 1].any()
    assert learnable(x)[:, 2].any()


def test_a_network_that_rescales_its_convolutions_keeps_the_filters_gain() -> None:
    options = {"channels": 4, "depth": 2, "rescale": 0.1}
    upsampler = {"name": "transposed", "length": 8, "low_pass": "learnable"}
    model = build_model("demucs", options, upsampler, n_sources=2, audio_channels=1, seed=0)
    filters = [module for module in model.modules() if isinstance(module, LowPass)]
    assert len(filters) == 2  # after each upsampler
    for low_pass in filters:
        torch.testing.assert_close(low_pass.taps.sum(dim=-1), torch.ones(len(low_pass.taps), 1))


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"low_pass: 'kaiser' is unknown; known: none, fixed, l"):
        make_low_pass("kaiser", 1, 4)
    assert isinstance(make_low_pass("none", 1, 4), nn.Identity)


@pytest.mark.parametrize(
    ("upsampler", "message"),
    [
        (
            {"name": "nearest", "length": 9, "low_pass": "fixed"},
            "upsampler 'nearest': unknown option 'low_pass'; known: length, implementation",
        ),
        (
            {"name": "transposed", "length": 8, "initialization": "icnr"},
            "initialization: 'icnr' is unknown; known: default, constant",
        ),
        (
            {"name": "subpixel", "length": 3, "initialization": "constant"},
            "initialization: 'constant' is unknown; known: default, icnr",
        ),
        (
            {"name": "nearest", "length": 9, "initialization": "constant"},
            "upsampler 'nearest': unknown option 'initialization'; known: length, implementation",
        ),
    ],
)
def test_a_remedy_that_does_not_fit_an_upsampler_is_one_line(upsampler: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        build_layer(upsampler, 8, 4, 4)
    assert str(error.value) == message
