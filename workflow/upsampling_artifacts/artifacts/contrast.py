"""How far a line or a valley stands out of a spectrogram, as the eye sees it there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from upsampling_artifacts.artifacts.spectra import Spectrogram

REACH_HZ = 500.0
MAIN_LOBE_BINS = 4  # of the Hann window, with a margin


def contrast_db(spectrogram: Spectrogram, frequency_hz: float) -> float:
    """The level at a frequency, relative to its surroundings.

    Unlike the prominence of :mod:`lines`, which is measured over the whole signal, it does not grow
    with the length of the signal.

    Args:
        spectrogram: As :func:`spectra.spectrogram_db` returns it.
        frequency_hz: The frequency.

    Returns:
        dB; the median over time of the bin, minus the median over the bins up to ``REACH_HZ`` away.
    """
    frequencies_hz, _, level_db = spectrogram
    levels_db = np.median(level_db, axis=1)
    distances = np.abs(
        np.arange(len(frequencies_hz)) - np.argmin(np.abs(frequencies_hz - frequency_hz))
    )
    around = (distances >= MAIN_LOBE_BINS) & (np.abs(frequencies_hz - frequency_hz) <= REACH_HZ)
    return float(levels_db[distances == 0][0] - np.median(levels_db[around]))


def strongest(
    spectrogram: Spectrogram, frequencies_hz: Sequence[float] | np.ndarray, tones: bool
) -> tuple[float, float]:
    """The highest tone, or the deepest valley, among some frequencies below the Nyquist frequency.

    Args:
        spectrogram: As :func:`spectra.spectrogram_db` returns it.
        frequencies_hz: Where theory predicts tones or valleys.
        tones: Whether it predicts tones.

    Returns:
        Its frequency in Hz, and its contrast in dB.
    """
    nyquist_hz = float(spectrogram[0][-1])
    found = {float(f): contrast_db(spectrogram, f) for f in frequencies_hz if f < nyquist_hz}
    frequency_hz = (max if tones else min)(found, key=lambda f: found[f])
    return frequency_hz, found[frequency_hz]
