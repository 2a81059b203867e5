"""The lines in a model's output: at predicted tones, which layers can make them, and all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from upsampling_artifacts.probes.layer_tracer import MAX_PERIOD

OUTPUT = "output"
STATIONARY = ("silence", "ones", "noise")
"""Test signals for which a stationary line in the output comes from the model. Music has held notes
of its own, and the spectral images of a sweep cross each frequency many times."""

TOLERANCE_HZ = 1.0
"""Half a bin of ``find_lines``, which locates strong lines to a quarter of this."""

RANGE_DB = 100.0
"""Lines this far below the loudest are rounding errors of float32, or below the last bit of
16-bit audio."""

LOOKS = 13.0
"""The main lobe of a line holds the largest of about this many values of noise. A single value
exceeds ``t`` times the median with a probability of ``2**-t``; fitted to noise of one channel, which
varies most (tests/probes/test_model_lines.py)."""

FALSE_ALARMS = 0.01
"""Share of the models without a tone in which any predicted tone stands out by chance."""

MIN_COMB_CHANCE = 0.001
"""Lines are explained by tones that are closer than :data:`MIN_SPACING_HZ` if so many would not fit
by chance in more than one model in a thousand."""

MIN_SPACING_HZ = 40.0
"""Below this spacing, more than one line in twenty is near a multiple by chance."""

KEYS = ["seed", "signal", "frequency_hz"]


@dataclass(frozen=True)
class ToneGroup:
    """The tones at multiples of rate / period that no shorter period has.

    Attributes:
        period: In samples.
        layers: The layers of this period: rows of the table of layers.
        can_make: Names of all layers that can make these tones: those of this period, and those
            of its multiples, whose tones the later layers turn into spectral images.
        tones_hz: Frequencies.
    """

    period: int
    layers: pd.DataFrame
    can_make: list[str]
    tones_hz: np.ndarray


def tone_groups(layers: pd.DataFrame, tones_hz: np.ndarray, rate_hz: float) -> list[ToneGroup]:
    """Tie each predicted tone to the layers that can make it.

    Args:
        layers: Columns name, kind, direction, stride, mode, reaches_output, period.
        tones_hz: Predicted frequencies.
        rate_hz: Sampling rate of the output.

    Returns:
        The groups by ascending period. Each tone is in one of them.
    """
    up = layers[(layers["direction"] == "up") & layers["reaches_output"] & (layers["period"] > 1)]
    groups, left_hz = [], np.asarray(tones_hz, float)
    for period in sorted(up["period"].unique()):
        if period > MAX_PERIOD:
            break
        is_here = on_grid(left_hz, rate_hz / period, 1e-6 * rate_hz)
        can_make = list(up["name"][up["period"] % period == 0])
        groups.append(
            ToneGroup(int(period), up[up["period"] == period], can_make, left_hz[is_here])
        )
        left_hz = left_hz[~is_here]
    return groups


def on_grid(frequencies_hz: np.ndarray, spacing_hz: float, tolerance_hz: float) -> np.ndarray:
    """Which frequencies are multiples of a spacing, at least once the spacing.

    >>> on_grid(np.array([0.2, 99.8, 150.0, 200.0]), 100.0, 1.0).tolist()
    [False, True, False, True]
    """
    multiples = np.round(frequencies_hz / spacing_hz)
    return (multiples > 0) & (np.abs(frequencies_hz - multiples * spacing_hz) <= tolerance_hz)


def output_lines(measures: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Collect the measured lines of a model's output.

    Args:
        measures: Columns seed, signal, layer, measure, frequency_hz, value.
        kind: ``"line"`` for lines at predicted frequencies, ``"found_line"`` for all lines found.

    Returns:
        One row per line, with the columns seed, signal, frequency_hz, level and prominence (dB).
    """
    names = {f"{kind}_level": "level", f"{kind}_prominence": "prominence"}
    rows = measures[(measures["layer"] == OUTPUT) & measures["measure"].isin(names)]
    table = rows.set_index([*KEYS, "measure"])["value"].unstack("measure")
    return table.rename(columns=names).reindex(columns=list(names.values())).reset_index()


def predicted_lines(measures: pd.DataFrame) -> pd.DataFrame:
    """The lines at predicted frequencies and whether they stand out, as means over seeds.

    Args:
        measures: As for :func:`output_lines`.

    Returns:
        One row per signal and frequency, with the columns signal, frequency_hz, level, prominence
        and stands_out: by more than chance (:func:`chance_prominence_db`) and within
        :data:`RANGE_DB` of the loudest line, in most seeds, for :data:`STATIONARY` signals.
    """
    lines = output_lines(measures, "line")
    lines = lines[lines["signal"].isin(STATIONARY)]
    threshold_db = chance_prominence_db(len(lines))
    in_range = lines["level"] >= loudest_db(measures) - RANGE_DB
    lines = lines.assign(stands_out=in_range & (lines["prominence"] >= threshold_db))
    means = lines.groupby(["signal", "frequency_hz"], sort=False).mean(numeric_only=False)
    means["stands_out"] = means["stands_out"].astype(float) > 0.5
    return means.drop(columns="seed").reset_index()


def chance_prominence_db(n_lines: int) -> float:
    """Prominence that none of some lines in noise reaches, in 99 of 100 models.

    Args:
        n_lines: Number of lines that are measured.

    >>> [round(chance_prominence_db(n), 1) for n in (2, 2000)]
    [10.6, 13.3]
    """
    return float(10 * np.log10(np.log2(LOOKS * max(1, n_lines) / FALSE_ALARMS)))


def found_lines(measures: pd.DataFrame) -> pd.DataFrame:
    """The lines that were found for :data:`STATIONARY` test signals, within :data:`RANGE_DB`.

    Args:
        measures: As for :func:`output_lines`.

    Returns:
        The columns of :func:`output_lines`.
    """
    lines = output_lines(measures, "found_line")
    in_range = lines["level"] >= loudest_db(measures) - RANGE_DB
    return lines[in_range & lines["signal"].isin(STATIONARY)].reset_index(drop=True)


def unpredicted_lines(
    measures: pd.DataFrame, tones_hz: Sequence[float] | np.ndarray, rate_hz: float
) -> pd.DataFrame:
    """Collect the lines found where no tone is predicted.

    Predicted tones that are so close together that lines fit by chance explain them only if
    significantly many fit.

    Args:
        measures: As for :func:`output_lines`.
        tones_hz: Predicted frequencies.
        rate_hz: Sampling rate of the output.

    Returns:
        The columns of :func:`output_lines`.
    """
    lines = found_lines(measures)
    distance_hz = np.abs(lines["frequency_hz"].to_numpy()[:, None] - [*tones_hz, np.inf])
    is_near = distance_hz.min(axis=1) <= TOLERANCE_HZ
    share = min(1.0, len(tones_hz) * 2 * TOLERANCE_HZ / (rate_hz / 2))
    is_dense = share > 2 * TOLERANCE_HZ / MIN_SPACING_HZ
    if is_dense and binom.sf(is_near.sum() - 1, len(is_near), share) > MIN_COMB_CHANCE:
        return lines
    return lines[~is_near].reset_index(drop=True)


def loudest_db(measures: pd.DataFrame) -> float:
    """Level of the loudest line or DC offset in any of the model's outputs."""
    rows = measures[measures["layer"] == OUTPUT]
    is_level = rows["measure"].isin(["line_level", "found_line_level", "offset_level"])
    levels = rows["value"][is_level & np.isfinite(rows["value"])]
    return float(levels.max()) if len(levels) else 0.0

