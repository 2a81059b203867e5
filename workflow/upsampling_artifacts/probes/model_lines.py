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
"""The main lobe of a line holds the largest of about this many values of noise, of which each
exceeds ``t`` times the median with a probability of ``2**-t``. Fitted to noise of one channel,
which varies most (tests/probes/test_model_lines.py)."""

FALSE_ALARMS = 0.01
"""Share of the models without a tone in which any predicted tone stands out by chance."""

MAX_COMB_CHANCE = 0.001
"""Tones that are closer than :data:`MIN_SPACING_HZ` explain lines if the chance that as many random
lines fit is less than this."""

MIN_SPACING_HZ = 40.0
"""Below this spacing, more than one line in twenty is near a multiple by chance."""

MAX_SOURCES = 8
"""The loudest unexplained lines are tried as the fundamental of a source."""

MAX_ORDER = 40
"""The highest harmonic of a source that is tried."""

SIDEBAND_CHANCE = 0.001

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
    if layers["period"].isna().all():
        layers = _with_products(layers)
    up = layers[(layers["direction"] == "up") & layers["reaches_output"]]
    up = up[(up["period"] > 1).fillna(False)]
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


def _with_products(layers: pd.DataFrame) -> pd.DataFrame:
    """Products of strides as periods where none was measured, as in ``tone_strides``."""
    counts = (layers["direction"] == "up") & (layers["kind"] != "istft")
    products = layers["stride"][counts][::-1].cumprod()
    return layers.assign(period=products.reindex(layers.index).astype("Int64"))


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
        One row per line, with the columns seed, signal, frequency_hz, level and prominence (dB),
        and masking_margin (dB) at predicted frequencies.
    """
    names = {f"{kind}_level": "level", f"{kind}_prominence": "prominence"}
    if kind == "line":
        names["masking_margin"] = "masking_margin"
    rows = measures[(measures["layer"] == OUTPUT) & measures["measure"].isin(names)]
    # A search may report a line between two bins twice, at one frequency.
    table = rows.groupby([*KEYS, "measure"])["value"].max().unstack("measure")
    return table.rename(columns=names).reindex(columns=list(names.values())).reset_index()


def predicted_lines(measures: pd.DataFrame) -> pd.DataFrame:
    """The lines at predicted frequencies and whether they stand out, as means over seeds.

    Args:
        measures: As for :func:`output_lines`.

    Returns:
        One row per signal and frequency, with the columns signal, frequency_hz, level, prominence,
        masking_margin and stands_out: by more than chance (:func:`chance_prominence_db`) and within
        :data:`RANGE_DB` of the loudest line, in most seeds, for :data:`STATIONARY` signals.
    """
    lines = _stationary_lines(measures)
    threshold_db = stands_out_db(measures)
    in_range = lines["level"] >= loudest_db(measures) - RANGE_DB
    lines = lines.assign(stands_out=in_range & (lines["prominence"] >= threshold_db))
    means = lines.groupby(["signal", "frequency_hz"], sort=False).mean(numeric_only=False)
    means["stands_out"] = means["stands_out"].astype(float) > 0.5
    return means.drop(columns="seed").reset_index()


def _stationary_lines(measures: pd.DataFrame) -> pd.DataFrame:
    lines = output_lines(measures, "line")
    return lines[lines["signal"].isin(STATIONARY)]


def stands_out_db(measures: pd.DataFrame) -> float:
    """Prominence from which the tones of a model stand out (:func:`chance_prominence_db`).

    Args:
        measures: As for :func:`output_lines`.
    """
    return chance_prominence_db(len(_stationary_lines(measures)))


def margins_in_noise_db(measures: pd.DataFrame) -> pd.Series:
    """How audible the lines that were found anywhere are in noise.

    Args:
        measures: As for :func:`output_lines`.

    Returns:
        Margins over the masked threshold in dB by frequency, the largest of all seeds.
    """
    rows = measures[
        (measures["layer"] == OUTPUT) & (measures["measure"] == "found_line_masking_margin")
    ]
    return rows.groupby("frequency_hz")["value"].max()


def chance_prominence_db(n_lines: int) -> float:
    """Prominence that none of some lines in noise reaches, in 99 of 100 models.

    Args:
        n_lines: Number of lines that are measured.

    >>> [round(chance_prominence_db(n), 1) for n in (2, 2000)]
    [10.5, 13.3]
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
    if is_dense and binom.sf(is_near.sum() - 1, len(is_near), share) > MAX_COMB_CHANCE:
        return lines
    return lines[~is_near].reset_index(drop=True)


def loudest_db(measures: pd.DataFrame) -> float:
    """Level of the loudest line or DC offset in any of the model's outputs."""
    rows = measures[measures["layer"] == OUTPUT]
    is_level = rows["measure"].isin(["line_level", "found_line_level", "offset_level"])
    levels = rows["value"][is_level].astype(float)
    levels = levels[np.isfinite(levels)]
    return float(levels.max()) if len(levels) else 0.0


@dataclass(frozen=True)
class Source:
    """Lines of a source inside the model, and what the layers behind it make of them.

    A layer with the period ``P`` multiplies its signal with one of this period: a line at ``f``
    gets sidebands at ``k rate / P ± f``. (The spectral images of an upsampling layer are these.)

    Attributes:
        fundamental_hz: Frequency of the source.
        period: Of the layer.
        orders: How many of the harmonics have sidebands.
        is_harmonic: Which of the lines are at multiples of the fundamental.
        is_sideband: Which of the others are sidebands of such multiples.
    """

    fundamental_hz: float
    period: int
    orders: int
    is_harmonic: np.ndarray
    is_sideband: np.ndarray

    @property
    def n_lines(self) -> int:
        """Number of lines that the source explains."""
        return int((self.is_harmonic | self.is_sideband).sum())


def find_source(
    frequencies_hz: np.ndarray, levels_db: np.ndarray, rate_hz: float, periods: Sequence[int]
) -> Source | None:
    """Find a line of which most others are harmonics and sidebands.

    Sidebands of a harmonic are added, from the first harmonic on, if significantly more of the
    lines that are left fit than would by chance.

    Args:
        frequencies_hz: ``(line,)``.
        levels_db: ``(line,)``.
        rate_hz: Sampling rate.
        periods: Of the layers.

    Returns:
        The source that explains the most lines; None if none has at least three sidebands.

    >>> frequencies_hz = np.array([220.0, 780.0, 1220.0, 1780.0, 2220.0, 2780.0, 3220.0, 3333.0])
    >>> source = find_source(frequencies_hz, -frequencies_hz, 8000.0, [8])
    >>> source.fundamental_hz, source.n_lines
    (220.0, 7)
    """
    best: Source | None = None
    for index in np.argsort(-levels_db)[:MAX_SOURCES]:
        for period in sorted(periods):
            source = _source(frequencies_hz, float(frequencies_hz[index]), rate_hz, period)
            if best is None or source.n_lines > best.n_lines:
                best = source
    return best if best is not None and best.is_sideband.sum() >= 3 else None


def _source(
    frequencies_hz: np.ndarray, fundamental_hz: float, rate_hz: float, period: int
) -> Source:
    spacing_hz = rate_hz / period
    is_sideband = np.zeros(len(frequencies_hz), dtype=bool)
    is_harmonic = on_grid(frequencies_hz, fundamental_hz, TOLERANCE_HZ / 2)
    share = min(1.0, 2 * TOLERANCE_HZ / spacing_hz)  # half the tolerance, on both sides, twice
    orders = 0
    for order in range(1, MAX_ORDER + 1):
        shift_hz = order * fundamental_hz
        left = ~(is_sideband | is_harmonic)
        fits = left & (
            _near_multiple(frequencies_hz - shift_hz, spacing_hz)
            | _near_multiple(frequencies_hz + shift_hz, spacing_hz)
        )
        if binom.sf(fits.sum() - 1, left.sum(), share) < SIDEBAND_CHANCE:
            is_sideband |= fits
            orders += 1
    return Source(fundamental_hz, period, orders, is_harmonic, is_sideband)


def _near_multiple(frequencies_hz: np.ndarray, spacing_hz: float) -> np.ndarray:
    distance_hz = frequencies_hz - spacing_hz * np.round(frequencies_hz / spacing_hz)
    return np.abs(distance_hz) <= TOLERANCE_HZ / 2
