"""All measures of one output, as rows of a table."""

from __future__ import annotations

import math

import numpy as np

from upsampling_artifacts.artifacts.filtering import (
    flatness_db,
    power_density,
    response_db,
    valley_depth_db,
)
from upsampling_artifacts.artifacts.lines import find_lines, measure_lines, predicted_frequencies
from upsampling_artifacts.artifacts.masking import masking_margins_db, prominence_ratios_db
from upsampling_artifacts.artifacts.polyphase import aperiodic_level_db, polyphase_imbalance
from upsampling_artifacts.artifacts.spectral_images import offset_level_db, replica_level_db

Row = tuple[str, float, float, str]
"""``(measure, frequency_hz, value, unit)``; the frequency is NaN where there is none."""

NO_FREQUENCY = math.nan


def measure_output(
    output: np.ndarray, rate_hz: float, strides: list[int], input: np.ndarray | None = None
) -> list[Row]:
    """Everything that can be said of an output and, where it takes that, of its input.

    Args:
        output: ``(channels, time)``.
        rate_hz: The output's sampling rate.
        strides: Products of the strides of the last upsampling layers, from the last one
            backwards: ``[4, 16, 64]``. Empty if there is none.
        input: ``(channels, time)`` of the same duration: at ``rate_hz`` for a whole model, at a
            whole part of it for an upsampling layer. None: no response is measured.

    Returns:
        Rows; what is not defined for this signal is NaN, and what is not there is -inf.
    """
    tones_hz = predicted_tones(rate_hz, strides)
    lines = measure_lines(output, rate_hz, tones_hz)
    density = power_density(output, rate_hz)
    by_tone = {
        "line_level": [line.level_db for line in lines],
        "line_prominence": [line.prominence_db for line in lines],
        "prominence_ratio": prominence_ratios_db(output, rate_hz, tones_hz),
        "masking_margin": masking_margins_db(output, rate_hz, tones_hz),
        "valley_depth": [valley_depth_db(*density, tone_hz, rate_hz) for tone_hz in tones_hz],
    }
    rows = [
        (measure, float(tone_hz), value, "dB")
        for measure, values in by_tone.items()
        for tone_hz, value in zip(tones_hz, values, strict=True)
    ]
    for found in find_lines(output, rate_hz):
        rows.append(("found_line_level", found.frequency_hz, found.level_db, "dB"))
        rows.append(("found_line_prominence", found.frequency_hz, found.prominence_db, "dB"))
    values = {"offset_level": offset_level_db(output), "flatness": flatness_db(density[1])}
    if strides:
        # The ends are measured apart: see boundary.py.
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


def measure_input(input: np.ndarray, rate_hz: float, strides: list[int]) -> list[Row]:
    """The lines that a signal has of its own where a model's tones are predicted.

    Music may have a partial there: what a model adds is told by comparison.
    """
    lines = measure_lines(input, rate_hz, predicted_tones(rate_hz, strides))
    levels = [("line_level", line.frequency_hz, line.level_db, "dB") for line in lines]
    return levels + [
        ("line_prominence", line.frequency_hz, line.prominence_db, "dB") for line in lines
    ]


def predicted_tones(rate_hz: float, strides: list[int]) -> np.ndarray:
    """All frequencies at which the last layers put tones, rising."""
    tones = [predicted_frequencies(rate_hz, stride) for stride in strides]
    return np.unique(np.concatenate(tones)) if tones else np.empty(0)


def _middle_half(signal: np.ndarray, period: int) -> np.ndarray:
    """The middle, from a multiple of ``period`` to another, so that phases stay what they are."""
    quarter = signal.shape[-1] // 4 // period * period
    return signal[:, quarter : signal.shape[-1] // period * period - quarter]
