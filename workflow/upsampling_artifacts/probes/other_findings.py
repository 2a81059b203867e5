"""What is wrong with a model when it is not a tone: sentences.

An offset, spectral images, aliasing, clicks, boundary artifacts: what the measures of
:mod:`other_artifacts` and :mod:`model_probe` mean.
"""

from __future__ import annotations

import math

import pandas as pd

from upsampling_artifacts.probes.artifact_sentences import (
    GOOD_RESAMPLER_DB,
    IMAGES_DB,
    every,
    image_finding,
)
from upsampling_artifacts.probes.findings import Finding, counted
from upsampling_artifacts.probes.other_artifacts import OUTPUT, SINE_FREQUENCIES, SINE_PEAKS
from upsampling_artifacts.probes.user_model_signals import in_signals

ALIASING_DB = -100.0
"""Less folded energy is below the last bit of 16-bit audio."""

MIN_REPEATS = 0.5
"""If less of the energy off the harmonics repeats, it is noise, not aliasing."""

MODEL_OFFSET_DB = -90.0
"""A smaller offset in silence is below the last bit of 16-bit audio."""

WHOLE = 0.98
"""If the samples that differ reach this close to each other from both ends, all differ: some are
near zero anyway."""

BIAS_DB = -60.0
"""The output of silence is a constant if the rest is this far below its offset."""


def other_findings(
    measures: pd.DataFrame,
    rate_hz: float,
    input_kind: str = "audio",
    segment_samples: float = math.inf,
) -> list[Finding]:
    """Say what is not a tone in a model.

    Args:
        measures: The measures of its output, also those of :func:`other_artifacts.measure_model`:
            columns seed, signal, layer, measure, frequency_hz, value.
        rate_hz: Sampling rate of the output.
        input_kind: ``"audio"`` or ``"features"``.
        segment_samples: Length of the segment whose boundaries were measured
            (:func:`model_probe.boundary_segment`).

    Returns:
        One finding of each kind that was found: offset, images, aliasing, clicks, boundary or
        whole_segment.
    """
    output = measures[measures["layer"] == OUTPUT]
    clicks = _clicks(output, rate_hz, input_kind)
    findings = [
        _offset(output, input_kind), _images(output, rate_hz), _aliasing(output), clicks,
        # Where chunks begin, the ends of a segment are not the only borders.
        None if clicks else _boundary(output, segment_samples),
    ]  # fmt: skip
    return [finding for finding in findings if finding]


def aliasing_is_noise(measures: pd.DataFrame) -> bool:
    """Whether what is off the harmonics of the sines does not repeat with them.

    Args:
        measures: As for :func:`other_findings`.
    """
    loud = _loud_aliasing(measures[measures["layer"] == OUTPUT])
    return bool(len(loud) and (loud["repeats"] < MIN_REPEATS).all())


def _values(measures: pd.DataFrame, signal: str, measure: str) -> pd.Series:
    """The values of all seeds, by frequency."""
    rows = measures[(measures["signal"] == signal) & (measures["measure"] == measure)]
    return rows.set_index("frequency_hz")["value"]


def _offset(measures: pd.DataFrame, input_kind: str) -> Finding | None:
    levels = _values(measures, "silence", "offset_level")
    level_db = float(levels.max()) if len(levels) else -math.inf
    if not level_db > MODEL_OFFSET_DB:
        return None
    rest_db = float(_values(measures, "silence", "residual_level").iloc[int(levels.argmax())])
    constant = rest_db < level_db + BIAS_DB
    where = in_signals("silence", input_kind).capitalize()
    sentence = f"{where}, the output has a DC offset of {level_db:.0f} dB" + (
        ": it is a constant, probably from biases."
        if constant
        else f"; the rest of it is at {rest_db:.0f} dB."
    )
    values = {"level_db": level_db, "residual_level_db": rest_db, "constant": constant}
    return Finding("offset", sentence, values)


def _images(measures: pd.DataFrame, rate_hz: float) -> Finding | None:
    levels = _values(measures, "noise", "image_level")
    rejections = _values(measures, "noise", "image_rejection")
    levels = levels[(levels > IMAGES_DB) & (rejections > GOOD_RESAMPLER_DB).to_numpy()]
    if levels.empty:
        return None
    by_axis = levels.groupby(level=0).median()
    axes_hz = by_axis.index.to_numpy(float)
    loudest = int(by_axis.to_numpy().argmax())
    return image_finding(axes_hz[loudest], float(by_axis.max()), rate_hz, axes_hz.tolist())


def _loud_aliasing(measures: pd.DataFrame) -> pd.DataFrame:
    """The sines whose aliasing is not below 16-bit audio, a row each."""
    tables = []
    for signal, peak in SINE_PEAKS.items():
        ratios = _values(measures, signal, "aliasing_to_signal")
        aliased = _values(measures, signal, "aliased_level")
        table = pd.DataFrame(
            {
                "sine_hz": ratios.index, "sine_peak": peak, "ratio_db": ratios.to_numpy(),
                "aliased_hz": aliased.index, "aliased_db": aliased.to_numpy(),
                "repeats": _values(measures, signal, "aliasing_repeats").to_numpy(),
            }
        )  # fmt: skip
        tables.append(table)
    found = pd.concat(tables)
    return found[found["ratio_db"] > ALIASING_DB]


def _aliasing(measures: pd.DataFrame) -> Finding | None:
    loud = _loud_aliasing(measures)
    steady = loud[loud["repeats"] >= MIN_REPEATS]
    if steady.empty:
        return None
    worst = steady.iloc[int(steady["ratio_db"].to_numpy().argmax())]
    peaks = " and ".join(f"{peak:g}" for peak in SINE_PEAKS.values())
    sentence = (
        f"Aliasing: for a sine of {worst['sine_hz']:.0f} Hz and peak {worst['sine_peak']:g}, the "
        f"energy off the harmonics is {worst['ratio_db']:.0f} dB re that on them (worst of "
        f"{len(SINE_FREQUENCIES)} frequencies, with peaks of {peaks}); strongest at "
        f"{worst['aliased_hz']:.0f} Hz, {worst['aliased_db']:.0f} dB re the sine."
    )
    if (measures["measure"] == "sine_image_level").any():
        sentence = (
            f"{sentence[:-1]}; images of its harmonics count, too, but not those of the sine."
        )
    return Finding("aliasing", sentence, {str(key): float(worst[key]) for key in worst.index})


def _clicks(measures: pd.DataFrame, rate_hz: float, input_kind: str) -> Finding | None:
    periods = measures[measures["measure"] == "click_period"]
    if periods.empty:
        return None
    # The comparison with delayed noise is exact; the search of the outputs is not.
    borders = periods[periods["signal"] == "delayed_noise"]
    period = float((borders if len(borders) else periods)["value"].median())
    signals = list(dict.fromkeys(periods["signal"]))
    levels = measures[measures["measure"] == "click_level"]
    by_signal = levels.groupby("signal", sort=False)["value"].median().to_dict()
    where = (
        f"There, delaying the input changes the output by {by_signal['delayed_noise']:.0f} dB re "
        "its RMS."
        if len(borders)
        else f"{in_signals(signals, input_kind).capitalize()}, {max(by_signal.values()):.0f} dB "
        "above the surroundings."
    )
    sentence = f"Clicks {every(period, rate_hz)}, as at the borders of chunks. {where}"
    values = {"period_samples": period, "levels_db": by_signal, "signals": signals}
    return Finding("clicks", sentence, values)


def _boundary(measures: pd.DataFrame, segment_samples: float) -> Finding | None:
    start = _values(measures, "noise", "boundary_start")
    end = _values(measures, "noise", "boundary_end")
    if start.empty or not start.max() + end.max():
        return None
    n_start, n_end = int(start.max()), int(end.max())
    values = {"start_samples": n_start, "end_samples": n_end}
    if n_start + n_end >= WHOLE * segment_samples:
        sentence = (
            "All samples of a segment differ from the same samples in mid-signal: each depends on "
            "the whole segment, as with normalization, attention or recurrent layers."
        )
        return Finding("whole_segment", sentence, values)
    ends = " and ".join(
        f"the {which} {counted(count, 'sample')}"
        for which, count in (("first", n_start), ("last", n_end))
        if count
    )
    sentence = (
        f"Boundary artifacts: {ends} of a segment differ from the same samples in mid-signal."
    )
    return Finding("boundary", sentence, values)
