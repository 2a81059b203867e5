"""The readable summary of a user-supplied model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from upsampling_artifacts.probes.audio_file import coincidence
from upsampling_artifacts.probes.findings import counted, rate_fraction
from upsampling_artifacts.statistics import mean_interval

MAX_LINES = 16
OUTPUT = "output"
CHANCE_DB = 10.0
"""Noise without a tone stays below this prominence 39 times in 40.

Prominence compares the largest bin of the window's main lobe with the median of its neighborhood,
so noise has a prominence, too: 5 dB on average for one channel, 2 dB for the mean of eight
independent channels (tests/probes/test_model_summary.py).
"""

CONSTANT = ("silence", "ones")
"""Test signals for which the surroundings of a tone are rounding errors: its level in dB re 1 is
shown instead of its prominence. For ones, this is re the constant."""

TOLERANCE_HZ = 1.0
"""Half a bin of ``find_lines``, which locates strong lines to a quarter of this."""

STATIONARY = ("silence", "ones", "noise")
"""Test signals for which a stationary line in the output comes from the model. Music has held notes
of its own, and the spectral images of a sweep cross each frequency many times."""

MIN_SPACING_HZ = 40.0
"""Below this spacing, more than one line in twenty is near a multiple by chance."""

RANGE_DB = 100.0
"""Lines this far below the loudest are rounding errors of float32, or below the last bit of
16-bit audio."""

KEYS = ["seed", "signal", "frequency_hz"]


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


def unpredicted_lines(
    measures: pd.DataFrame,
    layers: pd.DataFrame,
    tones_hz: Sequence[float] | np.ndarray,
    rate_hz: float,
) -> pd.DataFrame:
    """Collect the lines found where no tone is predicted, for :data:`STATIONARY` test signals.

    Args:
        measures: As for :func:`output_lines`.
        layers: The rate-changing layers: columns kind, direction, stride.
        tones_hz: Predicted frequencies.
        rate_hz: Sampling rate of the output.

    Returns:
        The columns of :func:`output_lines` and ``origin``: what else in the model has the period
        of the line, or an empty string.
    """
    lines = output_lines(measures, "found_line")
    distance_hz = np.abs(lines["frequency_hz"].to_numpy()[:, None] - [*tones_hz, np.inf])
    in_range = lines["level"] >= _loudest_db(measures) - RANGE_DB
    unpredicted = distance_hz.min(axis=1) > TOLERANCE_HZ
    lines = lines[in_range & unpredicted & lines["signal"].isin(STATIONARY)].assign(origin="")
    for period, origin in _periods(layers).items():
        spacing_hz = rate_hz / period
        nearest_hz = spacing_hz * (lines["frequency_hz"] / spacing_hz).round()
        fits = (lines["frequency_hz"] - nearest_hz).abs() <= TOLERANCE_HZ
        if spacing_hz >= MIN_SPACING_HZ:
            lines.loc[fits & (lines["origin"] == ""), "origin"] = f"rate/{period}, {origin}"
    return lines


def _periods(layers: pd.DataFrame) -> dict[int, str]:
    """Periods in samples, and what has them, in addition to those whose tones are predicted."""
    spectral = layers["kind"] == "istft"
    product = math.prod(layers["stride"][(layers["direction"] == "up") & ~spectral])
    hops = dict.fromkeys(layers["stride"][spectral], "the hop of the inverse Fourier transform")
    return {**hops, product: "the product of all upsampling strides"}


def _loudest_db(measures: pd.DataFrame) -> float:
    """Level of the loudest line or DC offset in any of the model's outputs."""
    rows = measures[measures["layer"] == OUTPUT]
    is_level = rows["measure"].isin(["line_level", "found_line_level", "offset_level"])
    levels = rows["value"][is_level & np.isfinite(rows["value"])]
    return float(levels.max()) if len(levels) else 0.0


def summarize_model(
    name: str,
    rate_hz: float,
    layers: pd.DataFrame,
    tones_hz: Sequence[float] | np.ndarray,
    measures: pd.DataFrame,
) -> str:
    """Summarize a model: its rate-changing layers, which predicted tones stand out, other lines.

    Args:
        name: Name of the model.
        rate_hz: Sampling rate of its output.
        layers: The rate-changing layers: columns name, kind, direction, stride.
        tones_hz: Predicted frequencies.
        measures: Columns seed, stage, signal, layer, measure, frequency_hz, value.
    """
    stages = ", ".join(measures["stage"].unique())
    seeds = counted(measures["seed"].nunique(), "seed")
    text = [f"{name}: {rate_hz:g} Hz, {stages}, {seeds}", ""]
    if layers.empty:
        text += ["No rate-changing layer was found."]
    else:
        text += ["Rate-changing layers, in the order they run:"]
    width = max(map(len, layers["name"]), default=0)
    text += [
        f"  {layer['name']:<{width}}  {layer['kind']}, {layer['direction']} x{layer['stride']}"
        for layer in layers.to_dict("records")
    ]
    text += ["", *_predicted_tones(measures, tones_hz, rate_hz)]
    others = unpredicted_lines(measures, layers, tones_hz, rate_hz)
    text += ["", *_other_lines(others, rate_hz, measures["seed"].nunique())]
    return "\n".join(text)


def _predicted_tones(
    measures: pd.DataFrame, tones_hz: Sequence[float] | np.ndarray, rate_hz: float
) -> list[str]:
    """Tabulate the predicted tones: first those of the last layer, then of the last two ..."""
    if not len(tones_hz):
        return ["No tone is predicted: no upsampling layer with a filter was found."]
    lines = output_lines(measures, "line")
    in_range = lines["level"] >= _loudest_db(measures) - RANGE_DB
    lines["stands_out"] = in_range & (lines["prominence"] >= CHANCE_DB)
    lines["shown"] = lines["prominence"].where(~lines["signal"].isin(CONSTANT), lines["level"])
    cells = lines.groupby(["frequency_hz", "signal"])
    stands_out, shown = cells["stands_out"].mean() > 0.5, cells["shown"]
    signals = [name for name in measures["signal"].unique() if name in set(lines["signal"])]
    fractions = {tone_hz: Fraction(tone_hz / rate_hz).limit_denominator(64) for tone_hz in tones_hz}
    order = sorted(tones_hz, key=lambda tone_hz: (fractions[tone_hz].denominator, tone_hz))
    interval = " (± 95 % interval over seeds)" if measures["seed"].nunique() > 1 else ""
    text = [
        f"Tones are predicted at multiples of {min(tones_hz):g} Hz. Prominence in dB{interval};",
        f"for {' and '.join(CONSTANT)}, level in dB re 1 instead.",
        f"* stands out: within {RANGE_DB:g} dB of the loudest line, and prominence of at least "
        f"{CHANCE_DB:g} dB",
        "(noise alone: 1 in 40; music: far more often):",
        f"{'':26}" + "".join(f"{signal:>12} " for signal in signals),
    ]
    for tone_hz in order[:MAX_LINES]:
        multiple = fractions[tone_hz].numerator
        fraction = rate_fraction(multiple, fractions[tone_hz].denominator)
        row = "".join(
            f"{_mean(shown.get_group((tone_hz, signal))):>12}"
            f"{'*' if stands_out[tone_hz, signal] else ' '}"
            for signal in signals
        )
        text.append(f"  {tone_hz:>9.1f} Hz {fraction:<10}  {row}")
    counts = "".join(f"{stands_out[:, signal].sum():>12} " for signal in signals)
    return [*text, f"  {f'stand out, of {len(order)}':<22}  {counts}"]


def _mean(values_db: pd.Series) -> str:
    """Mean and interval of finite values; "silent" if there are none."""
    mean, low, _ = mean_interval(values_db[np.isfinite(values_db)].to_numpy())
    if np.isnan(mean):
        return "silent"
    return f"{mean:.0f}" if np.isnan(low) else f"{mean:.0f} ±{mean - low:.0f}"


def _other_lines(lines: pd.DataFrame, rate_hz: float, n_seeds: int) -> list[str]:
    """List the unpredicted lines: in how many seeds they are, and which stride fits."""
    text = []
    for origin, group in lines[lines["origin"] != ""].groupby("origin"):
        signals = ", ".join(group["signal"].unique())
        text += [f"{counted(len(group), 'line')} at multiples of {origin} ({signals})."]
    lines = lines[lines["origin"] == ""]
    if lines.empty:
        return [*text, "No other stationary narrow line was found."]
    lines = lines.assign(rounded_hz=lines["frequency_hz"].round())
    groups = lines.groupby(["signal", "rounded_hz"], sort=False)
    strongest = groups["level"].max().nlargest(MAX_LINES).index
    text.append(
        f"Other stationary narrow lines: {len(groups)}"
        + (f", of which the strongest {MAX_LINES}:" if len(groups) > MAX_LINES else ":")
    )
    for signal, rounded_hz in strongest:
        group = groups.get_group((signal, rounded_hz))
        frequency_hz = group["frequency_hz"].mean()
        prominence = f", prominence {group['prominence'].mean():.0f} dB"
        text.append(
            f"  {frequency_hz:>9.1f} Hz  {signal:<8} {group['level'].mean():>6.1f} dB"
            + (prominence if signal not in CONSTANT else "")
            + (f", in {group['seed'].nunique()} of {n_seeds} seeds" if n_seeds > 1 else "")
            + _fit(frequency_hz, rate_hz)
        )
    return text


def _fit(frequency_hz: float, rate_hz: float) -> str:
    match = coincidence(frequency_hz, rate_hz, TOLERANCE_HZ)
    return f", = {rate_fraction(match.multiple, match.stride)}" if match else ""
