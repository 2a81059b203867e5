"""All measures of one output, as rows of a table."""

from __future__ import annotations

import math

import numpy as np

from upsampling_artifacts.artifacts.chance import chances, control_frequencies_hz
from upsampling_artifacts.artifacts.filtering import (
    flatness_db,
    power_density,
    response_db,
    valley_depth_db,
)
from upsampling_artifacts.artifacts.line_search import find_lines
from upsampling_artifacts.artifacts.lines import (
    line_resolution_hz,
    measure_lines,
    predicted_frequencies,
)
from upsampling_artifacts.artifacts.masking import (
    margin_resolution_hz,
    masking_margins_db,
)
from upsampling_artifacts.artifacts.polyphase import aperiodic_level_db, polyphase_imbalance
from upsampling_artifacts.artifacts.prominence_ratio import prominence_ratios_db
from upsampling_artifacts.artifacts.spectral_images import offset_level_db, replica_level_db

Row = tuple[str, float, float, str]
"""``(measure, frequency_hz, value, unit)``; the frequency is NaN for measures without one."""

NO_FREQUENCY = math.nan


def measure_output(
    output: np.ndarray,
    rate_hz: float,
    strides: list[int],
    input: np.ndarray | None = None,
    unit_rms_db_spl: float | None = None,
    chance: bool = True,
) -> list[Row]:
    """Apply every measure to the output of a layer or model.

    Args:
        output: ``(channels, time)``.
        rate_hz: Sampling rate of the output.
        strides: Cumulative products of the strides of the last upsampling layers, last layer
            first: ``[4, 16, 64]``. Empty for a model without upsampling layers.
        input: ``(channels, time)`` of the same duration, at ``rate_hz`` for a model and at
            ``rate_hz / stride`` for an upsampling layer. None: no response is measured.
        unit_rms_db_spl: Playback level, as for :func:`masking.masking_margins_db`. Given, the
            ``audibility_margin`` is measured, too: over the masked threshold and the threshold in
            quiet, whichever is higher.
        chance: Whether to measure chance, which takes as long as everything else together.

    Returns:
        Rows. A value is NaN if the measure is undefined for the signal, and -inf if what it
        measures is exactly zero. ``line_prominence_chance`` and ``masking_margin_chance`` are
        those of :func:`chance.chances`.

    Raises:
        InputError: The output is too short for a measure.

    Example:
        Samples that repeat 1, 1, -1, -1 are a tone of RMS 1 at a quarter of the rate.

        >>> output = np.tile([1.0, 1.0, -1.0, -1.0], 2000)[None]
        >>> rows = measure_output(output, rate_hz=8000, strides=[4])
        >>> [(hz, round(level_db)) for name, hz, level_db, _ in rows if name == "found_line_level"]
        [(2000.0, 0)]
    """
    found_lines = find_lines(output, rate_hz)
    tones_hz = predicted_tones(rate_hz, strides)
    tones = _measure_tones(output, rate_hz, strides, chance)
    density = power_density(output, rate_hz)
    by_tone = {
        "line_level": tones["line_level"],
        "line_prominence": tones["line_prominence"],
        "prominence_ratio": prominence_ratios_db(output, rate_hz, tones_hz),
        "masking_margin": tones["masking_margin"],
        "valley_depth": [valley_depth_db(*density, tone_hz, rate_hz) for tone_hz in tones_hz],
        **{measure: values for measure, values in tones.items() if measure.endswith("_chance")},
    }
    if unit_rms_db_spl is not None:
        by_tone["audibility_margin"] = masking_margins_db(
            output, rate_hz, tones_hz, unit_rms_db_spl
        )
    rows = _rows(by_tone, tones_hz)
    for found in found_lines:
        rows.append(("found_line_level", found.frequency_hz, found.level_db, "dB"))
        rows.append(("found_line_prominence", found.frequency_hz, found.prominence_db, "dB"))
    values = {"offset_level": offset_level_db(output), "flatness": flatness_db(density[1])}
    if strides:
        # Boundary artifacts have a measure of their own: see boundary.py.
        middle = _middle_half(output, strides[-1])
        imbalance = polyphase_imbalance(middle, strides[0])
        values["polyphase_mean_spread"] = imbalance.mean_spread_db
        values["polyphase_power_spread"] = imbalance.power_spread_db
        values["aperiodic_level"] = aperiodic_level_db(middle, strides[0])
        values["replica_level"] = replica_level_db(output, rate_hz, strides[0])
    if input is not None:
        response = response_db(output, input, rate_hz, output.shape[-1] // input.shape[-1])
        values["response_flatness"] = flatness_db(10 ** (response[np.isfinite(response)] / 10))
    return [*rows, *((measure, NO_FREQUENCY, value, "dB") for measure, value in values.items())]


def measure_input(
    input: np.ndarray, rate_hz: float, strides: list[int], chance: bool = True
) -> list[Row]:
    """Measure a model's input at the frequencies where the model's tones are predicted.

    Music may have a partial there. Only the comparison with the output shows what the model adds.

    Args:
        input: ``(channels, time)``.
        rate_hz: Sampling rate.
        strides: As for :func:`measure_output`.
        chance: As for :func:`measure_output`.

    Returns:
        Rows of the measures ``line_level``, ``line_prominence``, ``masking_margin``,
        ``line_prominence_chance`` and ``masking_margin_chance``.

    Raises:
        InputError: The input is too short to measure a line.

    Example:
        >>> input = 0.1 * np.tile([1.0, 1.0, -1.0, -1.0], 2000)[None]
        >>> measure, frequency_hz, value, unit = measure_input(input, rate_hz=8000, strides=[4])[0]
        >>> measure, frequency_hz, round(value), unit
        ('line_level', 2000.0, -20, 'dB')
    """
    tones = _measure_tones(input, rate_hz, strides, chance)
    return _rows(tones, predicted_tones(rate_hz, strides))


def predicted_tones(rate_hz: float, strides: list[int]) -> np.ndarray:
    """Frequencies of the tones of the last upsampling layers, each once, rising.

    Args:
        rate_hz: Sampling rate of the output.
        strides: As for :func:`measure_output`.

    Returns:
        ``(frequency,)`` in Hz.

    Example:
        >>> predicted_tones(32_000, strides=[2, 4]).tolist()
        [8000.0, 16000.0]
    """
    tones = [predicted_frequencies(rate_hz, stride) for stride in strides]
    return np.unique(np.concatenate(tones)) if tones else np.empty(0)


def _measure_tones(
    signal: np.ndarray, rate_hz: float, strides: list[int], chance: bool
) -> dict[str, list[float]]:
    """Levels, prominences and margins of the predicted tones, and the chance of the latter two."""
    tones_hz = predicted_tones(rate_hz, strides)
    line_resolution = line_resolution_hz(signal.shape[-1], rate_hz)
    line_controls_hz, margin_controls_hz = (
        control_frequencies_hz(rate_hz, strides, resolution_hz) if chance else np.empty(0)
        for resolution_hz in (line_resolution, margin_resolution_hz(rate_hz))
    )
    count = len(tones_hz)
    lines = measure_lines(signal, rate_hz, [*tones_hz, *line_controls_hz])
    prominences_db = [line.prominence_db for line in lines]
    margins_db = masking_margins_db(signal, rate_hz, [*tones_hz, *margin_controls_hz])
    tones = {
        "line_level": [line.level_db for line in lines[:count]],
        "line_prominence": prominences_db[:count],
        "masking_margin": margins_db[:count],
    }
    if chance:
        tones["line_prominence_chance"] = chances(
            tones_hz, prominences_db[:count], line_controls_hz, prominences_db[count:], rate_hz
        )
        tones["masking_margin_chance"] = chances(
            tones_hz, margins_db[:count], margin_controls_hz, margins_db[count:], rate_hz
        )
    return tones


def _rows(by_tone: dict[str, list[float]], tones_hz: np.ndarray) -> list[Row]:
    return [
        (measure, float(tone_hz), value, "1" if measure.endswith("_chance") else "dB")
        for measure, values in by_tone.items()
        for tone_hz, value in zip(tones_hz, values, strict=True)
    ]


def _middle_half(signal: np.ndarray, period: int) -> np.ndarray:
    """The middle half of a signal, cut at multiples of ``period`` so that its phases are kept."""
    quarter = signal.shape[-1] // 4 // period * period
    return signal[:, quarter : signal.shape[-1] // period * period - quarter]
