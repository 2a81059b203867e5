"""All measures of one output, as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from upsampling_artifacts.artifacts.chance import (
    chances,
    control_frequencies_hz,
    excesses_db,
    in_octave,
)
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
)
from upsampling_artifacts.artifacts.masking import (
    margin_resolution_hz,
    masking_margins_db,
    narrow_band_spectrum,
    rate_tones,
)
from upsampling_artifacts.artifacts.polyphase import aperiodic_level_db, polyphase_imbalance
from upsampling_artifacts.artifacts.prominence_ratio import prominence_ratios_db
from upsampling_artifacts.artifacts.spectral_images import offset_level_db, replica_level_db

Row = tuple[str, float, float, str]
"""``(measure, frequency_hz, value, unit)``; the frequency is NaN for measures without one."""

NO_FREQUENCY = math.nan

SOURCE_STRIDE = 4
"""Stride of the last layer of the paper's networks, whose tones are measured source by source."""


def measure_output(
    output: np.ndarray,
    rate_hz: float,
    strides: list[int],
    input: np.ndarray | None = None,
    unit_rms_db_spl: float | None = None,
    prominence_ratio: bool = True,
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
        prominence_ratio: Whether to measure the prominence ratio, whose package takes most of a
            second to import.

    Returns:
        Rows. A value is NaN if the measure is undefined for the signal, and -inf if what it
        measures is exactly zero.

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
    density = power_density(output, rate_hz)
    by_tone = _measure_tones(output, rate_hz, tones_hz)
    by_tone["valley_depth"] = [valley_depth_db(*density, tone_hz, rate_hz) for tone_hz in tones_hz]
    if prominence_ratio:
        by_tone["prominence_ratio"] = prominence_ratios_db(output, rate_hz, tones_hz)
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


def measure_input(input: np.ndarray, rate_hz: float, strides: list[int]) -> list[Row]:
    """Measure a model's input at the frequencies where the model's tones are predicted.

    Music may have a partial there. Only the comparison with the output shows what the model adds.

    Args:
        input: ``(channels, time)``.
        rate_hz: Sampling rate.
        strides: As for :func:`measure_output`.

    Returns:
        Rows of the measures ``line_level``, ``line_prominence`` and ``masking_margin``.

    Raises:
        InputError: The input is too short to measure a line.

    Example:
        >>> input = 0.1 * np.tile([1.0, 1.0, -1.0, -1.0], 2000)[None]
        >>> measure, frequency_hz, value, unit = measure_input(input, rate_hz=8000, strides=[4])[0]
        >>> measure, frequency_hz, round(value), unit
        ('line_level', 2000.0, -20, 'dB')
    """
    tones_hz = predicted_tones(rate_hz, strides)
    return _rows(_measure_tones(input, rate_hz, tones_hz), tones_hz)


def measure_sources(
    sources: Mapping[str, np.ndarray],
    rate_hz: float,
    strides: list[int],
    unit_rms_db_spl: float,
    chance: bool = True,
) -> dict[str, list[Row]]:
    """Measure the tones of the last upsampling layers source by source: a listener hears one.

    These are the tones of the last layer, and those of the other layers at multiples of the rate
    over :data:`SOURCE_STRIDE`, where the networks of the paper are compared.

    Args:
        sources: ``(channels, time)`` of each source.
        rate_hz: Sampling rate.
        strides: As for :func:`measure_output`. No control frequency is near a tone of any of them.
        unit_rms_db_spl: As for :func:`measure_output`.
        chance: Whether to compare the tones with control frequencies, which takes several times as
            long as the rest.

    Returns:
        Rows by source: ``line_level``, ``line_prominence``, ``masking_margin`` and
        ``audibility_margin``; with chance, also ``line_prominence_chance`` and
        ``masking_margin_chance`` (:func:`chance.chances`), and ``tone_margin``: the
        ``audibility_margin``, or how far the masking margin exceeds that of all but 5 % of the
        control frequencies, whichever is less. Above 0 dB, a tone is audible and not chance.
        With chance, rows by the empty name compare the largest value of all sources with the
        largest at each control frequency.

    Raises:
        InputError: The sources are too short to measure a line.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 16000))
        >>> sources = {"drums": noise, "bass": noise + np.tile([1.0, 1.0, -1.0, -1.0], 4000)}
        >>> for source, rows in measure_sources(sources, 8000, [4], unit_rms_db_spl=70).items():
        ...     print(source, [db > 0 for name, hz, db, _ in rows if name == "tone_margin"])
        drums [False, False]
        bass [True, False]
         [True, False]
    """
    every_hz = predicted_tones(rate_hz, strides)
    is_shared = np.isclose((every_hz * SOURCE_STRIDE / rate_hz + 0.5) % 1, 0.5)
    tones_hz = np.union1d(predicted_tones(rate_hz, strides[:1]), every_hz[is_shared])
    time = next(iter(sources.values())).shape[-1]
    line_controls_hz, margin_controls_hz = (
        _controls_hz(rate_hz, strides, tones_hz, resolution_hz) if chance else np.empty(0)
        for resolution_hz in (line_resolution_hz(time, rate_hz), margin_resolution_hz(rate_hz))
    )
    measured = {
        source: _measure_source(
            signal, rate_hz, tones_hz, line_controls_hz, margin_controls_hz, unit_rms_db_spl
        )
        for source, signal in sources.items()
    }
    rows = {
        source: _rows(
            {
                "line_level": values.levels_db.tolist(),
                "line_prominence": values.prominences_db[: len(tones_hz)].tolist(),
                "masking_margin": values.margins_db[: len(tones_hz)].tolist(),
                "audibility_margin": values.audibility_db.tolist(),
            },
            tones_hz,
        )
        for source, values in measured.items()
    }
    if not chance:
        return rows
    measured[""] = _Tones(*map(np.fmax.reduce, zip(*measured.values(), strict=True)))
    for source, values in measured.items():
        lines, margins = (
            (tones_hz, of_all[: len(tones_hz)], controls_hz, of_all[len(tones_hz) :], rate_hz)
            for of_all, controls_hz in (
                (values.prominences_db, line_controls_hz), (values.margins_db, margin_controls_hz)
            )
        )  # fmt: skip
        # The excess is undefined if the whole band is exactly zero; then, so is the tone.
        tone_margins_db = np.fmin(values.audibility_db, excesses_db(*margins)).tolist()
        by_tone = {
            "line_prominence_chance": chances(*lines),
            "masking_margin_chance": chances(*margins),
            "tone_margin": tone_margins_db,
        }
        rows.setdefault(source, []).extend(_rows(by_tone, tones_hz))
    return rows


class _Tones(NamedTuple):
    """What is measured of the tones in one source.

    Attributes:
        levels_db: ``(tone,)``.
        audibility_db: ``(tone,)``, over the masked threshold or the threshold in quiet.
        prominences_db: ``(tone and control,)``.
        margins_db: ``(tone and control,)``, over the masked threshold.
    """

    levels_db: np.ndarray
    audibility_db: np.ndarray
    prominences_db: np.ndarray
    margins_db: np.ndarray


def _measure_source(
    signal: np.ndarray,
    rate_hz: float,
    tones_hz: np.ndarray,
    line_controls_hz: np.ndarray,
    margin_controls_hz: np.ndarray,
    unit_rms_db_spl: float,
) -> _Tones:
    lines = measure_lines(signal, rate_hz, [*tones_hz, *line_controls_hz])
    spectrum = narrow_band_spectrum(signal, rate_hz)
    return _Tones(
        np.array([line.level_db for line in lines[: len(tones_hz)]]),
        rate_tones(*spectrum, tones_hz, unit_rms_db_spl).margins_db,
        np.array([line.prominence_db for line in lines]),
        rate_tones(*spectrum, [*tones_hz, *margin_controls_hz]).margins_db,
    )


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
        >>> len(predicted_tones(8000, strides=[4, 12, 60]))
        30
    """
    # Fractions, because rate / 3 and 2 rate / 6 may differ by a rounding error.
    tones = {Fraction(k, stride) for stride in strides for k in range(1, stride // 2 + 1)}
    return np.array([rate_hz * tone.numerator / tone.denominator for tone in sorted(tones)])


def _measure_tones(
    signal: np.ndarray, rate_hz: float, tones_hz: np.ndarray
) -> dict[str, list[float]]:
    """Levels, prominences and masking margins of tones."""
    lines = measure_lines(signal, rate_hz, tones_hz)
    return {
        "line_level": [line.level_db for line in lines],
        "line_prominence": [line.prominence_db for line in lines],
        "masking_margin": masking_margins_db(signal, rate_hz, tones_hz),
    }


def _controls_hz(
    rate_hz: float, strides: list[int], tones_hz: np.ndarray, resolution_hz: float
) -> np.ndarray:
    """The control frequencies that at least one of the tones is compared with."""
    controls_hz = control_frequencies_hz(rate_hz, strides, resolution_hz)
    near = np.zeros(len(controls_hz), dtype=bool)
    for tone_hz in tones_hz:
        near |= in_octave(controls_hz, tone_hz, rate_hz)
    return controls_hz[near]


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
