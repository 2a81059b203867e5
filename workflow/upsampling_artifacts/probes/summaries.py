"""What was found in anyone's model or sound, as text for reading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from upsampling_artifacts.probes.audio_file import coincidence
from upsampling_artifacts.probes.line_summary import CHANCE_DB, UNHEARD_DB
from upsampling_artifacts.statistics import mean_interval

MOST_LINES = 16
OUTPUT = "output"
TOLERANCE_HZ = 1.0
"""Half of find_lines' bins: a strong line is known to a quarter of that, a weak one hardly."""

STATIONARY = ("silence", "ones", "noise")
"""Signals that are the same all the time: what stands still in the output is the model's own.
In music notes are held, and the images of a sweep cross a frequency again and again."""

LEAST_SPACING_HZ = 40.0
"""Multiples of less lie so close that one line in twenty meets one by chance."""

RANGE_DB = 100.0
"""What lies so far below the loudest line is float32's rounding, or under the last bit of audio."""

KEYS = ["seed", "signal", "frequency_hz"]


def lines_of(measures: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The measured lines of a model's output, one per row.

    Args:
        measures: Columns seed, signal, layer, measure, frequency_hz, value.
        kind: ``"line"`` for those at predicted frequencies, ``"found_line"`` for all others.

    Returns:
        The columns seed, signal, frequency_hz, level, prominence (dB).
    """
    names = {f"{kind}_level": "level", f"{kind}_prominence": "prominence"}
    rows = measures[(measures["layer"] == OUTPUT) & measures["measure"].isin(names)]
    table = rows.set_index([*KEYS, "measure"])["value"].unstack("measure")
    return table.rename(columns=names).reindex(columns=list(names.values())).reset_index()


def unexpected(
    measures: pd.DataFrame, layers: pd.DataFrame, tones_hz: Sequence[float], rate_hz: float
) -> pd.DataFrame:
    """The lines of :func:`lines_of` that were found where no tone is predicted.

    Only for :data:`STATIONARY` signals. The column ``origin`` says what else in the model has
    the period of a line, if anything.
    """
    found = lines_of(measures, "found_line")
    distance_hz = np.abs(found["frequency_hz"].to_numpy()[:, None] - [*tones_hz, np.inf])
    heard = found["level"] >= _loudest_db(measures) - RANGE_DB
    elsewhere = distance_hz.min(axis=1) > TOLERANCE_HZ
    found = found[heard & elsewhere & found["signal"].isin(STATIONARY)].assign(origin="")
    for period, origin in _periods(layers).items():
        spacing_hz = rate_hz / period
        nearest_hz = spacing_hz * (found["frequency_hz"] / spacing_hz).round()
        fits = (found["frequency_hz"] - nearest_hz).abs() <= TOLERANCE_HZ
        if spacing_hz >= LEAST_SPACING_HZ:
            found.loc[fits & (found["origin"] == ""), "origin"] = f"rate/{period}, {origin}"
    return found


def _periods(layers: pd.DataFrame) -> dict[int, str]:
    """Periods in samples beyond those whose tones are predicted one by one."""
    spectral = layers["kind"] == "istft"
    whole = math.prod(layers["stride"][(layers["direction"] == "up") & ~spectral])
    hops = dict.fromkeys(layers["stride"][spectral], "the hop of the inverse Fourier transform")
    return {**hops, whole: "the product of all upsampling strides"}


def _loudest_db(measures: pd.DataFrame) -> float:
    """The loudest line or offset in any of the model's outputs."""
    rows = measures[measures["layer"] == OUTPUT]
    is_level = rows["measure"].isin(["line_level", "found_line_level", "offset_level"])
    levels = rows["value"][is_level & np.isfinite(rows["value"])]
    return float(levels.max()) if len(levels) else 0.0


def of_model(
    name: str,
    rate_hz: float,
    layers: pd.DataFrame,
    tones_hz: Sequence[float],
    measures: pd.DataFrame,
) -> str:
    """Which layers change the rate, where tones must be, which are there, what else was found."""
    stages = ", ".join(measures["stage"].unique())
    seeds = _count(measures["seed"].nunique(), "seed")
    text = [f"{name}: {rate_hz:g} Hz, {stages}, {seeds}", ""]
    if layers.empty:
        text += ["No layer changes the rate along time."]
    else:
        text += ["Layers that change the rate along time, in the order they run:"]
    width = max(map(len, layers["name"]), default=0)
    text += [
        f"  {layer.name:<{width}}  {layer.kind}, {layer.direction} x{layer.stride}"
        for layer in layers.itertuples()
    ]
    text += ["", *_predicted(measures, tones_hz, rate_hz)]
    others = unexpected(measures, layers, tones_hz, rate_hz)
    text += ["", *_others(others, rate_hz, measures["seed"].nunique())]
    return "\n".join(text)


def _predicted(measures: pd.DataFrame, tones_hz: Sequence[float], rate_hz: float) -> list[str]:
    """The predicted tones as a table, those of the last layer first, then of the last two ..."""
    if not len(tones_hz):
        return ["No layer of which tones are predicted."]
    lines = lines_of(measures, "line")
    heard = lines["level"] >= _loudest_db(measures) - RANGE_DB
    lines["there"] = heard & (lines["prominence"] >= CHANCE_DB)
    cells = lines.groupby(["frequency_hz", "signal"])
    there, prominence = cells["there"].mean() > 0.5, cells["prominence"]
    signals = list(measures["signal"].unique())
    places = {tone_hz: Fraction(tone_hz / rate_hz).limit_denominator(64) for tone_hz in tones_hz}
    order = sorted(tones_hz, key=lambda tone_hz: (places[tone_hz].denominator, tone_hz))
    interval = ", ± 95 % interval over seeds" if measures["seed"].nunique() > 1 else ""
    text = [
        f"Tones must stand at multiples of {min(tones_hz):g} Hz. Prominence over the surroundings "
        f"in dB{interval};",
        f"* stands out ({CHANCE_DB:g} dB, as noise does once in 40 times) within "
        f"{RANGE_DB:g} dB of the loudest:",
        f"{'':26}" + "".join(f"{signal:>12} " for signal in signals),
    ]
    for tone_hz in order[:MOST_LINES]:
        fraction = f"{_fraction(places[tone_hz].numerator)}rate/{places[tone_hz].denominator}"
        row = "".join(
            f"{_mean(prominence.get_group((tone_hz, signal))):>12}"
            f"{'*' if there[tone_hz, signal] else ' '}"
            for signal in signals
        )
        text.append(f"  {tone_hz:>9.1f} Hz {fraction:<10}  {row}")
    counts = "".join(f"{there[:, signal].sum():>12} " for signal in signals)
    return [*text, f"  {f'stand out, of {len(order)}':<22}  {counts}"]


def _mean(values: pd.Series) -> str:
    values = values[np.isfinite(values)]
    mean, low, _ = mean_interval(values)
    if np.isnan(mean):
        return "silent"
    return f"{mean:.0f}" if np.isnan(low) else f"{mean:.0f} ±{mean - low:.0f}"


def _others(lines: pd.DataFrame, rate_hz: float, n_seeds: int) -> list[str]:
    """What else was found, in how many seeds, with the strides that fit."""
    text = []
    for origin, group in lines[lines["origin"] != ""].groupby("origin"):
        signals = ", ".join(group["signal"].unique())
        text += [f"{_count(len(group), 'line')} at multiples of {origin} ({signals})."]
    lines = lines[lines["origin"] == ""]
    if lines.empty:
        return [*text, "No other stationary narrow line was found."]
    lines = lines.assign(place=lines["frequency_hz"].round())
    groups = lines.groupby(["signal", "place"], sort=False)
    strongest = groups["level"].max().nlargest(MOST_LINES).index
    text.append(
        f"Other stationary narrow lines: {len(groups)}"
        + (f", of which the strongest {MOST_LINES}:" if len(groups) > MOST_LINES else ":")
    )
    for signal, place in strongest:
        group = groups.get_group((signal, place))
        frequency_hz = group["frequency_hz"].mean()
        text.append(
            f"  {frequency_hz:>9.1f} Hz  {signal:<8} {group['level'].mean():>6.1f} dB, "
            f"{group['prominence'].mean():.0f} dB over its surroundings"
            + (f", in {group['seed'].nunique()} of {n_seeds} seeds" if n_seeds > 1 else "")
            + _fit(frequency_hz, rate_hz)
        )
    return text


def _fit(frequency_hz: float, rate_hz: float) -> str:
    found = coincidence(frequency_hz, rate_hz, TOLERANCE_HZ)
    return f", = {_fraction(found.multiple)}rate/{found.stride}" if found else ""


def of_file(name: str, rate_hz: float, channels: int, seconds: float, lines: pd.DataFrame) -> str:
    """The lines of a file, each with the strides that would put it there, and what that means."""
    text = [f"{name}: {rate_hz:g} Hz, {_count(channels, 'channel')}, {seconds:.1f} s"]
    heard = lines[lines["level_db"] >= UNHEARD_DB]
    if not heard.empty:
        text += ["Stationary narrow lines, strongest first:"]
    for line in heard.head(MOST_LINES).itertuples():
        text += [
            f"  {line.frequency_hz:9.2f} Hz  {line.level_db:6.1f} dB re full scale, "
            f"{line.prominence_db:.0f} dB over its surroundings, {line.presence:.0%} of the time",
            f"{'':14}{_explanation(line)}",
        ]
    if len(heard) > MOST_LINES:
        text += [f"And {_count(len(heard) - MOST_LINES, 'line')} more."]
    if len(heard) < len(lines):
        quiet = _count(len(lines) - len(heard), "line")
        text += [f"And {quiet} below {UNHEARD_DB:g} dB, under the last bit of 16-bit audio."]
    return "\n".join([*text, _verdict(heard)])


def _verdict(lines: pd.DataFrame) -> str:
    if lines.empty:
        return "No stationary narrow line was found."
    suspect = lines["stride"].notna()
    if not suspect.any():
        return f"None of {_count(len(lines), 'line')} is where an upsampling layer puts tones."
    # Any of the lines might have met a tone of the largest stride that was needed.
    expected = len(lines) * lines["chance"].max()
    return (
        f"{suspect.sum()} of {_count(len(lines), 'line')} {'is' if suspect.sum() == 1 else 'are'} "
        f"where an upsampling layer puts tones (expected by chance: {expected:.1g})."
    )


def _explanation(line) -> str:
    mains = f"mains hum: {line.mains}" if line.mains else ""
    if pd.isna(line.stride):
        return "no stride fits" + (f"; {mains}" if mains else "")
    fit = (
        f"{_fraction(line.multiple)}rate/{line.stride}: strides {line.strides.replace(' ', ', ')}; "
        f"a line from elsewhere is there with probability {line.chance:.1g}"
    )
    return f"{fit}; but also {mains}" if mains else fit


def _fraction(multiple: int) -> str:
    return "" if multiple == 1 else f"{multiple} "


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
