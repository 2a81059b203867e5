"""What was found in anyone's model or sound, as text for reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.audio_file import STEADY, coincidence
from upsampling_artifacts.artifacts.line_summary import CHANCE_DB, UNHEARD_DB
from upsampling_artifacts.statistics import mean_interval

MOST_LINES = 16
OUTPUT = "output"
TOLERANCE_HZ = 0.5
"""find_lines interpolates to a quarter of its bins of 2 Hz."""

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


def unexpected(measures: pd.DataFrame, tones_hz: Sequence[float]) -> pd.DataFrame:
    """The lines of :func:`lines_of` that were found where no tone is predicted."""
    found = lines_of(measures, "found_line")
    tones_hz = np.asarray([*tones_hz, np.inf])
    distance = np.abs(found["frequency_hz"].to_numpy()[:, None] - tones_hz).min(axis=1)
    return found[(distance > TOLERANCE_HZ) & (found["level"] > UNHEARD_DB)]


def unexpected_hz(measures: pd.DataFrame, tones_hz: Sequence[float]) -> dict[str, list[float]]:
    """Their frequencies, by signal."""
    lines = unexpected(measures, tones_hz)
    return {str(signal): sorted(group["frequency_hz"]) for signal, group in lines.groupby("signal")}


def of_model(
    name: str,
    rate_hz: float,
    layers: pd.DataFrame,
    tones_hz: Sequence[float],
    measures: pd.DataFrame,
) -> str:
    """Which layers change the rate, where tones must be, which are there, what else was found."""
    n_seeds = measures["seed"].nunique()
    stages = ", ".join(measures["stage"].unique())
    text = [f"{name}: {rate_hz:g} Hz, {stages}, {_count(n_seeds, 'seed')}", ""]
    if layers.empty:
        text += ["No layer changes the rate along time."]
    else:
        text += ["Layers that change the rate along time, in the order they run:"]
        width = max(map(len, layers["name"]))
        text += [
            f"  {layer.name:<{width}}  {layer.kind}, {layer.direction} x{layer.stride}"
            for layer in layers.itertuples()
        ]
    text += [
        "",
        *_predicted(measures, tones_hz, n_seeds),
        "",
        *_unexpected(measures, tones_hz, rate_hz, n_seeds),
    ]
    return "\n".join(text)


def _predicted(measures: pd.DataFrame, tones_hz: Sequence[float], n_seeds: int) -> list[str]:
    if not len(tones_hz):
        return ["No upsampling layer, no predicted tone."]
    lines = lines_of(measures, "line")
    signals = list(measures["signal"].unique())
    lines["there"] = (lines["prominence"] >= CHANCE_DB) & (lines["level"] >= UNHEARD_DB)
    there = lines.groupby(["signal", "frequency_hz"])["there"].mean() > 0.5
    places = _count(len(tones_hz), "frequency", "frequencies")
    text = [
        f"Tones must stand at multiples of {min(tones_hz):g} Hz: {places}. "
        f"Of these stand out, by {CHANCE_DB:g} dB or more:",
        *(f"  {signal:<8} {int(there[signal].sum()):>3}" for signal in signals),
    ]
    shown = there[there].index.get_level_values("frequency_hz").unique()
    # The strongest layer is the last, whose tones are the multiples of the widest spacing.
    strength = lines.groupby("frequency_hz")["prominence"].max()
    shown = sorted(strength[shown].nlargest(MOST_LINES).index)
    if shown:
        interval = ", mean and half of its 95 % interval" if n_seeds > 1 else ""
        text += [
            "",
            f"Prominence in dB over the surroundings{interval}; * if it stands out and is above "
            f"{UNHEARD_DB:g} dB:",
            f"  {'frequency':>12} " + "".join(f"{signal:>14}" for signal in signals),
        ]
        cells = lines.groupby(["frequency_hz", "signal"])["prominence"]
        for frequency_hz in shown:
            row = "".join(
                f"{_mean(cells.get_group((frequency_hz, signal))):>13}"
                f"{'*' if there[signal, frequency_hz] else ' '}"
                for signal in signals
            )
            text.append(f"  {frequency_hz:>9.1f} Hz {row}")
    return text


def _mean(values: pd.Series) -> str:
    values = values[np.isfinite(values)]
    mean, low, _ = mean_interval(values)
    if np.isnan(mean):
        return "silent"
    return f"{mean:.0f}" if np.isnan(low) else f"{mean:.0f} ±{mean - low:.0f}"


def _unexpected(
    measures: pd.DataFrame, tones_hz: Sequence[float], rate_hz: float, n_seeds: int
) -> list[str]:
    lines = unexpected(measures, tones_hz)
    if lines.empty:
        return ["No other stationary narrow line was found."]
    lines = lines.assign(place=lines["frequency_hz"].round())
    groups = lines.groupby(["signal", "place"], sort=False)
    strongest = groups["level"].max().nlargest(MOST_LINES).index
    text = [
        f"Other stationary narrow lines: {len(groups)}"
        + (f", of which the strongest {MOST_LINES}:" if len(groups) > MOST_LINES else ":")
    ]
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
    fits, steady = lines["stride"].notna(), lines["coherence"] >= STEADY
    heard = lines["level_db"] >= UNHEARD_DB
    shown = lines[heard & (steady | fits)]
    if not shown.empty:
        text += ["Stationary narrow lines, strongest first:"]
    for line in shown.head(MOST_LINES).itertuples():
        text += [
            f"  {line.frequency_hz:9.2f} Hz  {line.level_db:6.1f} dB re full scale, "
            f"{line.prominence_db:.0f} dB over its surroundings, "
            f"{line.presence:.0%} of the time, {line.coherence:.0%} steady",
            f"{'':14}{_explanation(line)}",
        ]
    for count, what in (
        (len(shown) - MOST_LINES, "more of these"),
        ((heard & ~(steady | fits)).sum(), "wavering, as held notes are, where no stride fits"),
        ((~heard).sum(), f"below {UNHEARD_DB:g} dB, under the last bit of 16-bit audio"),
    ):
        if count > 0:
            text += [f"And {_count(count, 'line')} {what}."]
    text += [_verdict(lines, fits & steady)]
    return "\n".join(text)


def _verdict(lines: pd.DataFrame, suspect: pd.Series) -> str:
    if not suspect.any():
        return "No steady line stands where an upsampling layer puts tones."
    # Any of the lines might have met a tone of the largest stride that was needed.
    expected = len(lines) * lines["chance"][suspect].max()
    return (
        f"{suspect.sum()} of {_count(len(lines), 'line')} {'is' if suspect.sum() == 1 else 'are'} "
        f"steady and where an upsampling layer puts tones (expected by chance: {expected:.1g})."
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
