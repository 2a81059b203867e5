"""Predictions for one upsampling layer with random weights: its tone, images and passband droop.

Every layer is zero insertion followed by a filter (sections 2 to 4 of the paper). Two properties of
this filter follow from the kind of layer alone: the gains of its phases at 0 Hz, which decide the
tone, and the response of its fixed interpolation, which shapes the spectrum. Random weights are
white: on average, they do not shape the spectrum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.artifacts.filtering import interpolation_response_db
from upsampling_artifacts.artifacts.polyphase import phase_tone_db
from upsampling_artifacts.upsamplers.sinc import sinc_phases

BINS = 4096
PASSBAND_EDGE = 0.75
"""Where the droop is measured, re the old Nyquist frequency: there the response of sinc
interpolation is still flat."""

PASSBAND_START = 0.1
BAND = 1 / 16
"""Half width of the bands over which the density is averaged, re the old Nyquist frequency."""

Response = Callable[[np.ndarray], np.ndarray]
"""From frequencies re the sampling rate, 0 to 1/2, to power gains of the same shape."""


@dataclass(frozen=True)
class LayerTheory:
    """What the kind of a layer determines, whatever its random weights.

    Attributes:
        gains: ``(stride,)``, relative gains of the phases at 0 Hz. None if each phase has random
            weights of its own.
        response: Power response of its fixed interpolation; flat without one.
    """

    gains: np.ndarray | None
    response: Response


def layer_theory(upsampler: dict, stride: int) -> LayerTheory | None:
    """The theory of a layer with the options that config gives it.

    - Transposed convolution and zero insertion: each phase uses every ``stride``-th weight, so
      random weights give independent gains. Constant weights give gains in proportion to the
      number of weights per phase.
    - Subpixel convolution: each phase has its own filters. ICNR makes them equal, which is
      nearest-neighbor interpolation after the convolution.
    - Wavelet: Haar synthesis is orthonormal and lazy synthesis is a shuffle, so phases with
      independent random weights stay independent.
    - Interpolations: a constant stays constant, so all phases have the same gain.

    Args:
        upsampler: ``{"name": ..., **options}``, as for :func:`models.build.build_layer`.
        stride: Upsampling factor.

    Returns:
        The gains and response of the layer; None for a user-supplied class, and for a layer that a
        low-pass follows.

    Example:
        >>> partial_overlap = {"name": "transposed", "length": 3, "initialization": "constant"}
        >>> layer_theory(partial_overlap, stride=2).gains.tolist()
        [2, 1]
    """
    flat, equal = _flat, np.ones(stride)
    match upsampler:
        case {"low_pass": "fixed" | "learnable"}:
            return None
        case {"name": "transposed", "initialization": "constant"}:
            length = upsampler.get("length") or 2 * stride
            return LayerTheory(np.bincount(np.arange(length) % stride), _constant(length))
        case {"name": "subpixel", "initialization": "icnr"}:
            return LayerTheory(equal, _interpolation("nearest", stride))
        case {"name": "transposed" | "subpixel" | "zero_insertion"}:
            return LayerTheory(None, flat)
        case {"name": "wavelet"}:
            return LayerTheory(None, flat)
        case {"name": "nearest" | "linear" | "learned_interpolation" as kind}:
            return LayerTheory(equal, _interpolation(kind, stride))
        case {"name": "sinc"}:
            options = {key: upsampler[key] for key in ("zeros", "beta") if key in upsampler}
            phases = sinc_phases(stride, **options)
            # Read as one filter: from late to early input samples, and within each by phase.
            return LayerTheory(phases.sum(axis=1), _filter(phases.T[::-1].ravel()))
    return None


def predicted_measures(theory: LayerTheory, stride: int) -> dict[str, float]:
    """Predict the measures of a layer with random weights.

    The DFT of ``stride`` independent random gains of mean zero is white: as much power at each
    multiple of rate / stride as at 0 Hz, hence ``stride - 1`` times as much in the tones.

    Args:
        theory: Theory of the layer.
        stride: Upsampling factor.

    Returns:
        In dB: ``offset_replica_level``, the tones into which the layer turns a DC offset, re the
        offset; ``replica_level``, the mean density of the spectral images of white noise re the
        baseband; ``passband_droop``, see :func:`droop_db`.

    Example:
        >>> theory = layer_theory({"name": "subpixel", "length": 3}, stride=4)
        >>> measures = predicted_measures(theory, stride=4)
        >>> {measure: round(value, 2) for measure, value in measures.items()}
        {'offset_replica_level': 4.77, 'replica_level': 0.0, 'passband_droop': 0.0}
    """
    frequencies = (np.arange(BINS) + 0.5) / (2 * BINS)
    power = theory.response(frequencies)
    above = frequencies > 0.5 / stride
    images = power[above].mean() / power[~above].mean()
    return {
        "offset_replica_level": (
            float(10 * np.log10(stride - 1))
            if theory.gains is None
            else phase_tone_db(theory.gains[None])
        ),
        "replica_level": float(10 * np.log10(images)),
        "passband_droop": droop_db(frequencies, power, stride),
    }


def droop_db(frequencies: np.ndarray, power: np.ndarray, stride: int) -> float:
    """Passband droop: the density near 0 Hz re that at three quarters of the old Nyquist frequency.

    Args:
        frequencies: ``(frequency,)``, re the sampling rate of the output.
        power: ``(frequency,)``, the density at these frequencies.
        stride: Upsampling factor; the passband is the band of the input.

    Returns:
        dB, positive if the layer attenuates the edge of the passband.

    Example:
        >>> frequencies = np.linspace(0, 0.5, 1001)
        >>> power = 10 ** (interpolation_response_db("nearest", 2, frequencies, 1) / 10)
        >>> round(droop_db(frequencies, power, stride=2), 1)
        1.6
    """
    passband = frequencies * 2 * stride
    edge = np.abs(passband - PASSBAND_EDGE) < BAND
    start = np.abs(passband - PASSBAND_START) < BAND
    return float(10 * np.log10(power[start].mean() / power[edge].mean()))


def _flat(frequencies: np.ndarray) -> np.ndarray:
    return np.ones(len(frequencies))


def _interpolation(kind: str, stride: int) -> Response:
    return lambda frequencies: 10 ** (interpolation_response_db(kind, stride, frequencies, 1) / 10)


def _constant(length: int) -> Response:
    """The response of ``length`` equal weights: a rectangle, whatever the stride."""
    return _interpolation("nearest", length)


def _filter(taps: np.ndarray) -> Response:
    times = np.arange(len(taps))
    return lambda frequencies: (
        np.abs(np.exp(-2j * np.pi * np.multiply.outer(frequencies, times)) @ taps) ** 2
    )
