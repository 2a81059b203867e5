"""What theory says of one upsampling layer with random weights: its tone, its images, its droop.

Every layer is zero insertion and a filter (paper, sections 2 to 4). Two things are known of the
filter before its weights are: the gains that its phases have at 0 Hz, and how a fixed
interpolation in it shapes the spectrum. Random weights themselves shape none, on average.
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
"""The droop is read at three quarters of the old Nyquist frequency, where sinc interpolation has
not begun to fall."""

PASSBAND_START = 0.1
BAND = 1 / 16
"""Share of the old Nyquist frequency on either side over which the density is averaged."""

Response = Callable[[np.ndarray], np.ndarray]
"""From frequencies re the rate, 0 to 1/2, to a power."""


@dataclass(frozen=True)
class LayerTheory:
    """What is known of a layer before its weights are.

    Attributes:
        gains: ``(stride,)``, of the phases at 0 Hz; None if each phase has random weights of its
            own.
        response: Of its interpolation, as a power; for random weights it is flat.
    """

    gains: np.ndarray | None
    response: Response


def layer_theory(upsampler: dict, stride: int) -> LayerTheory | None:
    """Theory of a layer as config names it; None if nothing is known of it (anyone's class).

    - Transposed convolution, zero insertion: each phase has every ``stride``-th weight.
    - Subpixel: each phase has filters of its own; with ICNR they are equal, which is nearest
      neighbour interpolation after the convolution.
    - Wavelets: Haar synthesis is orthonormal and the lazy one shuffles, so random weights leave
      each phase with random ones of its own.
    - Interpolations: a constant stays constant, and so it does at the stride's every phase.
    """
    flat, alike = _flat, np.ones(stride)
    match upsampler:
        case {"name": "transposed", "initialization": "constant"}:
            length = upsampler.get("length") or 2 * stride
            return LayerTheory(np.bincount(np.arange(length) % stride), _constant(length))
        case {"name": "subpixel", "initialization": "icnr"}:
            return LayerTheory(alike, _interpolation("nearest", stride))
        case {"name": "transposed" | "subpixel" | "zero_insertion"}:
            return LayerTheory(None, flat)
        case {"name": "wavelet"}:
            return LayerTheory(None, flat)
        case {"name": "nearest" | "linear" | "learned_interpolation" as kind}:
            return LayerTheory(alike, _interpolation(kind, stride))
        case {"name": "sinc"}:
            options = {key: upsampler[key] for key in ("zeros", "beta") if key in upsampler}
            phases = sinc_phases(stride, **options)
            # Later in the filter: an earlier input sample, a later phase.
            return LayerTheory(phases.sum(axis=1), _filter(phases.T[::-1].ravel()))
    return None


def predicted_measures(theory: LayerTheory, stride: int) -> dict[str, float]:
    """``offset_replica_level``, ``replica_level`` and ``passband_droop`` in dB.

    Independent random gains have a variance ``stride - 1`` times the square of their mean: as
    much energy at each multiple of rate / stride as at 0 Hz.
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
    """How far a response lies at the passband's edge below where it was near 0 Hz.

    Args:
        frequencies: Re the output's rate.
        power: There.
        stride: Upsampling factor; the passband is that of the input.
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
    """A filter of so many equal weights is a rectangle, whatever the stride."""
    return _interpolation("nearest", length)


def _filter(taps: np.ndarray) -> Response:
    times = np.arange(len(taps))
    return lambda frequencies: (
        np.abs(np.exp(-2j * np.pi * np.multiply.outer(frequencies, times)) @ taps) ** 2
    )
