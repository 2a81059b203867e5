"""How steady a line is: a tone keeps its phase for ever, a note that is held does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal.windows import kaiser

from upsampling_artifacts.artifacts.lines import KAISER_BETA

FRAME_SECONDS = 0.5  # find_lines' frames and their overlap
HOPS_PER_FRAME = 4

# The frequency that is given may be a quarter of a bin (0.5 Hz) off, and twice that for a weak
# line. Frames that follow each other by 1/8 s tell frequencies apart up to 4 Hz from it.
REACH_HZ = 1.0
PADDING = 16  # interpolates the spectrum over frames to 1/16 of its resolution


@dataclass(frozen=True)
class Steadiness:
    """How well one steady tone explains a line.

    Attributes:
        frequency_hz: Of that tone, to within half of ``1 / duration``.
        coherence: Share of the power at the line that is this tone's, 0..1. A tone of constant
            amplitude has 1, and S / (S + N) in noise; n independent frames have about 1 / n.
            Notes of music, whose phase starts anew with each attack and drifts between, have
            less than 0.35 in six seconds (tests/artifacts/test_audio_file.py).
    """

    frequency_hz: float
    coherence: float


def steadiness(signal: np.ndarray, rate_hz: float, frequency_hz: float) -> Steadiness:
    """Look at a line's phase from frame to frame.

    The signal, shifted down by the line's frequency, gives a complex amplitude per frame: a
    constant phasor if the tone is at just that frequency, and one that turns evenly if it is
    beside it. The largest value of the amplitudes' own power spectrum is the power of the
    steady tone; compared with their whole power it is the coherence.

    Args:
        signal: ``(channels, time)``, at least one frame (0.5 s).
        rate_hz: Sampling rate.
        frequency_hz: Where the line was found.
    """
    length = 2 * round(FRAME_SECONDS * rate_hz / 2)
    hop = length // HOPS_PER_FRAME
    starts = np.arange(0, signal.shape[-1] - length + 1, hop)
    turn = -2j * np.pi * frequency_hz / rate_hz
    probe = kaiser(length, KAISER_BETA) * np.exp(turn * np.arange(length))
    frames = np.lib.stride_tricks.sliding_window_view(signal, length, axis=-1)[:, ::hop]
    amplitudes = frames @ probe * np.exp(turn * starts)  # (channels, frames)
    whole = np.sum(np.abs(amplitudes) ** 2)
    if whole == 0:
        return Steadiness(frequency_hz, 0.0)
    spectrum = np.abs(np.fft.fft(amplitudes, PADDING * len(starts), axis=-1)) ** 2
    power = spectrum.sum(axis=0) / len(starts)
    beside_hz = np.fft.fftfreq(len(power), hop / rate_hz)
    power[np.abs(beside_hz) > REACH_HZ] = 0
    top = power.argmax()
    refined_hz = min(frequency_hz + beside_hz[top], rate_hz / 2)
    return Steadiness(float(refined_hz), float(power[top] / whole))
