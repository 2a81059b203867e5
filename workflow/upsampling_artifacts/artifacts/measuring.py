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
from upsampling_artifacts.artifacts.masking import masking_margin_db, prominence_ratios_db
from upsampling_artifacts.artifacts.polyphase import polyphase_imbalance
from upsampling_artifacts.artifacts.replicas import offset_level_db, replica_level_db

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
        input: ``(channels, time)`` at ``rate_hz`` or, below a single upsampling layer, at
            ``rate_hz / strides[0]``. None: no response is measured.

    Returns:
        Rows; what is not defined for this signal is NaN, and what is not there is -inf.
    """
    rows: list[Row] = []
    tones_hz = predicted_tones(rate_hz, strides)
    ratios_db = prominence_ratios_db(output, rate_hz, tones_hz)
    frequencies_hz, power = power_density(output, rate_hz)
    for line, ratio_db in zip(measure_lines(output, rate_hz, tones_hz), ratios_db, strict=True):
        tone_hz = line.frequency_hz
        rows += [
            ("line_level", tone_hz, line.level_db, "dB"),
            ("line_prominence", tone_hz, line.prominence_db, "dB"),
            ("prominence_ratio", tone_hz, ratio_db, "dB"),
            ("masking_margin", tone_hz, masking_margin_db(output, rate_hz, tone_hz), "dB"),
            (
                "valley_depth",
                tone_hz,
                valley_depth_db(frequencies_hz, power, tone_hz, rate_hz),
                "dB",
            ),
        ]
    for found in find_lines(output, rate_hz):
        rows += [
            ("found_line_level", found.frequency_hz, found.level_db, "dB"),
            ("found_line_prominence", found.frequency_hz, found.prominence_db, "dB"),
        ]
    values = {"offset_level": offset_level_db(output), "flatness": flatness_db(power)}
    if strides:
        imbalance = polyphase_imbalance(output, strides[0])
        values["polyphase_mean_spread"] = imbalance.mean_spread_db
        values["polyphase_power_spread"] = imbalance.power_spread_db
        values["replica_level"] = replica_level_db(output, rate_hz, strides[0])
    if input is not None:
        stride = output.shape[-1] // input.shape[-1]
        response = response_db(output, input, rate_hz, stride)
        values["response_flatness"] = flatness_db(10 ** (response[np.isfinite(response)] / 10))
    rows += [(measure, NO_FREQUENCY, value, "dB") for measure, value in values.items()]
    return rows


def predicted_tones(rate_hz: float, strides: list[int]) -> np.ndarray:
    """All frequencies at which the last layers put tones, rising."""
    tones = [predicted_frequencies(rate_hz, stride) for stride in strides]
    return np.unique(np.concatenate(tones)) if tones else np.empty(0)
