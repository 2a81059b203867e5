"""Mean power spectra of the systems' outputs, for the interactive plot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from upsampling_artifacts.artifacts.spectra import thin_spectrogram
from upsampling_artifacts.figures.signal_names import SIGNAL_NAMES, signal_name

LEVELS = "_db"
MAX_BINS = 257
"""More frequencies than pixels, and at most 0.25 MB in the page for twelve systems."""

FINEST_MARK = 16
"""Marks lie at multiples of rate / 16. Below, systems of many layers have tones so close together
that the spectra do not resolve them."""


def spectra_values(paths: Sequence[str | Path], tone_hz: float) -> dict[str, Any]:
    """Values for the section with the spectra.

    Args:
        paths: Probe arrays, ``.../<system>/seed-<n>/probe/<stage>.npz``, with
            ``<signal>_db`` ``(frequency, time)`` for each signal.
        tone_hz: Frequency of the tone that the page examines.

    Returns:
        ``signals``: ``{"name", "label"}`` in the order of tables; ``bin_hz``: distance of the
        frequencies; ``reading``: index of the frequency next to the tone; ``json``: for the script,
        ``frequencies_hz``, ``tone_hz``, ``marks`` (:func:`tone_marks`) and ``levels_db``: by
        system, stage and signal, one level per frequency, None where the output is exactly zero.
    """
    levels_db: dict[str, dict[str, dict[str, list[float | None]]]] = {}
    tones_hz: set[float] = set()
    frequencies_hz = np.zeros(0)
    rate_hz = 0.0
    for path in map(Path, paths):
        with np.load(path) as arrays:
            rate_hz = float(arrays["rate_hz"])
            tones_hz.update(arrays["tones_hz"].tolist())
            signals = [name.removesuffix(LEVELS) for name in arrays if name.endswith(LEVELS)]
            stage: dict[str, list[float | None]] = {}
            for signal in signals:
                spectrogram = (
                    arrays["frequencies_hz"],
                    arrays["times_seconds"],
                    arrays[signal + LEVELS],
                )
                frequencies_hz, mean_db = mean_spectrum_db(*spectrogram)
                stage[signal] = [
                    round(level, 1) if np.isfinite(level) else None for level in mean_db.tolist()
                ]
        levels_db.setdefault(path.parents[2].name, {})[path.stem] = stage
    found = {signal for stages in levels_db.values() for each in stages.values() for signal in each}
    signals = [
        signal for signal in dict.fromkeys([*SIGNAL_NAMES, *sorted(found)]) if signal in found
    ]
    script = {
        "frequencies_hz": [round(frequency_hz, 3) for frequency_hz in frequencies_hz.tolist()],
        "tone_hz": tone_hz,
        "marks": tone_marks(tones_hz, rate_hz, tone_hz),
        "levels_db": levels_db,
    }
    return {
        "signals": [{"name": signal, "label": signal_name(signal)} for signal in signals],
        "bin_hz": float(frequencies_hz[1] - frequencies_hz[0]),
        "reading": int(np.argmin(np.abs(frequencies_hz - tone_hz))),
        "last": len(frequencies_hz) - 1,
        "json": Markup(htmlsafe_json_dumps(script, separators=(",", ":"))),
    }


def mean_spectrum_db(
    frequencies_hz: np.ndarray, times_seconds: np.ndarray, level_db: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average the power of a spectrogram over time.

    Args:
        frequencies_hz: ``(frequency,)``.
        times_seconds: ``(time,)``.
        level_db: ``(frequency, time)``.

    Returns:
        Frequencies and levels, at most ``MAX_BINS`` of them; -inf where the power is exactly zero.

    Example:
        >>> level_db = np.array([[0.0, -np.inf], [-20.0, -20.0]])
        >>> mean_spectrum_db(np.array([0.0, 10.0]), np.array([0.0, 0.1]), level_db)[1].round(2)
        array([ -3.01, -20.  ], dtype=float32)
    """
    power = np.mean(10 ** (level_db.astype(np.float64) / 10), axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        mean_db = (10 * np.log10(power)).astype(np.float32)
    thin = thin_spectrogram((frequencies_hz, times_seconds[:1], mean_db), MAX_BINS)
    return thin[0], thin[2][:, 0]


def tone_marks(
    tones_hz: set[float], rate_hz: float, tone_hz: float
) -> list[dict[str, float | str | bool]]:
    """Where the systems' layers put tones or valleys.

    Args:
        tones_hz: Predicted frequencies of all systems.
        rate_hz: Sampling rate.
        tone_hz: Frequency of the tone that the page examines.

    Returns:
        ``{"hz", "label", "last"}`` by frequency; ``last``: whether it is a multiple of the tone's.

    Example:
        >>> tone_marks({125.0, 1500.0}, rate_hz=8000, tone_hz=2000)
        [{'hz': 1500.0, 'label': '3/16', 'last': False}]
    """
    marks: list[dict[str, float | str | bool]] = []
    for frequency_hz in sorted(tones_hz):
        steps = frequency_hz * FINEST_MARK / rate_hz
        if abs(steps - round(steps)) < 1e-6:
            label = str(Fraction(round(steps), FINEST_MARK))
            is_last = frequency_hz % tone_hz == 0
            marks.append({"hz": frequency_hz, "label": label, "last": is_last})
    return marks
