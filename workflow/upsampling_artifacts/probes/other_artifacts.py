"""What is wrong with a model when it is not a tone.

Folded-back aliasing, spectral images, an offset, clicks at the borders of chunks, boundary
artifacts: measured here as rows of ``measures.csv``, and said in sentences.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.aliasing import (
    MIN_PRIME,
    dft_length,
    measure_sine_response,
    sine_cycles,
)
from upsampling_artifacts.artifacts.clicks import ClickTrain, find_borders, find_clicks
from upsampling_artifacts.artifacts.image_search import Images, find_images
from upsampling_artifacts.artifacts.measures import NO_FREQUENCY
from upsampling_artifacts.errors import InputError, argument
from upsampling_artifacts.probes.artifact_sentences import (
    GOOD_RESAMPLER_DB,
    IMAGES_DB,
    every,
    image_finding,
)
from upsampling_artifacts.probes.findings import Finding, counted
from upsampling_artifacts.probes.layer_tracer import Layer
from upsampling_artifacts.probes.measures_table import COLUMNS

logger = logging.getLogger(__name__)

Run = Callable[[np.ndarray], np.ndarray]
"""A model: ``(channels, time)`` to ``(channels, time)``, both float32."""

OUTPUT = "output"
SINES = "sines"

SIGNALS = ("silence", "ones", "noise", "sweep", SINES, "music")
"""Test signals of a model that takes audio, by the names that ``signals`` of a probe accepts."""

FEATURE_SIGNALS = ("silence", "ones", "noise")
"""Those of a model that takes features."""

SINE_FREQUENCIES = (0.0247, 0.0618, 0.1271, 0.2393)
"""Frequencies of the sines re the model's input rate: 1.2, 3, 6.1 and 11.5 kHz at 48 kHz; away from
simple fractions, near which folded harmonics would lie beside harmonics."""

SINE_LEVELS_DB = {SINES: 0.0, "quiet_sines": -20.0}
"""RMS of the sines in dB re 1, by the name of the signal in the table."""

SINE_SAMPLES = 8192
"""Length of the spectra of the responses, in output samples; longer if the network's period is."""

ORDERS = 32
"""The spectrum is this many periods of the network long, for harmonics up to half that order."""

MAX_PERIOD = 2048
"""Periods beyond this take sines of more than half a million samples."""

ALIASING_DB = -100.0
"""Less folded energy is below the last bit of 16-bit audio."""

MIN_REPEATS = 0.5
"""If less of the energy off the harmonics repeats, it is noise, not aliasing."""

MODEL_OFFSET_DB = -90.0
"""A smaller offset in silence is below the last bit of 16-bit audio."""

BIAS_DB = -60.0
"""The output of silence is a constant if the rest is this far below its offset."""

SHIFT_SAMPLES = 997
"""The noise is delayed by about this many samples, which no usual length of a chunk divides."""


def choose_signals(
    signals: Sequence[str] | None, input_kind: str, has_music: bool
) -> tuple[tuple[str, ...], list[Finding]]:
    """Choose the test signals of a probe.

    Args:
        signals: Names from :data:`SIGNALS`; None for all that the model can take.
        input_kind: ``"audio"`` or ``"features"``.
        has_music: Whether an audio file was given to use as music.

    Returns:
        The names, in the order of :data:`SIGNALS`, and what is left out, if it was asked for.

    Raises:
        InputError: A name is unknown, music is asked for but not given, or nothing is left.

    Example:
        >>> choose_signals(["noise", "silence"], "audio", has_music=False)
        (('silence', 'noise'), [])
        >>> choose_signals(["nois"], "audio", has_music=False)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: signals: unknown 'nois'; known: silence, ones, \
noise, sweep, sines, music
    """
    possible = SIGNALS if input_kind == "audio" else FEATURE_SIGNALS
    if signals is None:
        return tuple(name for name in possible if name != "music" or has_music), []
    for name in signals:
        if name not in SIGNALS:
            raise InputError(
                f"{argument('signals')}: unknown '{name}'; known: {', '.join(SIGNALS)}"
            )
    if "music" in signals and input_kind == "audio" and not has_music:
        raise InputError(
            f"{argument('signals')}: 'music' needs an audio file; give it as {argument('music')}"
        )
    chosen = tuple(name for name in possible if name in signals)
    if not set(chosen) - {SINES}:
        raise InputError(
            f"{argument('signals')}: {', '.join(signals) or 'none'}: give at least one of "
            f"{', '.join(name for name in possible if name != SINES)}, to find the layers"
        )
    left_out = [name for name in SIGNALS if name in signals and name not in possible]
    sentence = "Left out: {}. The model takes features, not audio."
    return chosen, [
        Finding("left_out", sentence.format(", ".join(left_out)), {"signals": left_out})
    ] * bool(left_out)


def measure_model(
    run: Run,
    test_signals: dict[str, np.ndarray],
    outputs: dict[str, np.ndarray],
    layers: Sequence[Layer],
    rate_hz: float,
    ratio: float,
    *,
    sines: bool,
    whole: Callable[[float], int] = round,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Measure what is not a tone in a model's outputs, and in its responses to more signals.

    Args:
        run: The model.
        test_signals: ``(channels, time)`` by name.
        outputs: Its outputs to them, ``(channels, time)``.
        layers: Its rate-changing layers.
        rate_hz: Sampling rate of the output.
        ratio: Output samples per input sample or frame.
        sines: Whether to measure the responses to sines.
        whole: Rounds the length of an input up to one that the model takes.

    Returns:
        The measures, with the columns :data:`measures_table.COLUMNS`, and what had to be left out.

    Raises:
        InputError: Never: a run that fails is left out.
    """
    rows: list[tuple] = []
    left_out: list[Finding] = []
    for name, output in outputs.items():
        rows += _click_rows(name, find_clicks(output, rate_hz), rate_hz)
    if "silence" in outputs:
        rest_db = _residual_level_db(outputs["silence"])
        rows.append(("silence", OUTPUT, "residual_level", NO_FREQUENCY, rest_db, "dB"))
    period = network_period(layers, ratio)
    if "noise" in outputs:
        rows += _image_rows("noise", find_images(outputs["noise"], rate_hz))
        with _leaving_out("the search for chunk borders", left_out):
            rows += _border_rows(
                run, test_signals["noise"], outputs["noise"], rate_hz, ratio, period
            )
    if sines:
        channels = len(next(iter(test_signals.values())))
        with _leaving_out("aliasing", left_out):
            rows += _sine_rows(run, channels, rate_hz, ratio, period, whole)
    measures = pd.DataFrame(rows, columns=COLUMNS)
    return measures.astype({"frequency_hz": float, "value": float}), left_out


def network_period(layers: Sequence[Layer], ratio: float) -> int:
    """Output samples after which the network treats its input in the same way.

    Args:
        layers: Its rate-changing layers.
        ratio: Output samples per input sample or frame.

    Returns:
        A common multiple of all its strides; 1 without any.

    Example:
        >>> from upsampling_artifacts.probes.layer_tracer import Layer
        >>> network_period([Layer("", "transposed", stride, "up") for stride in (3, 2)], ratio=6)
        6
    """
    periods = [
        layer.period * (layer.stride if layer.direction == "down" else 1)
        for layer in layers
        if layer.period
    ]
    if not periods:
        up = math.prod(layer.stride for layer in layers if layer.direction == "up")
        down = math.prod(layer.stride for layer in layers if layer.direction == "down")
        periods = [up, round(down * ratio) or 1]
    return math.lcm(*periods, _fraction(ratio).numerator)


def _fraction(ratio: float) -> Fraction:
    return Fraction(ratio).limit_denominator(1000)


class _leaving_out:
    """Context manager: an :class:`InputError` becomes a finding instead of ending the probe."""

    def __init__(self, what: str, left_out: list[Finding]):
        self.what, self.left_out = what, left_out

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, InputError):
            return False
        sentence = f"Left out: {self.what} ({error})."
        self.left_out.append(Finding("left_out", sentence, {"measure": self.what}))
        return True


def _sine_rows(
    run: Run,
    channels: int,
    rate_hz: float,
    ratio: float,
    period: int,
    whole: Callable[[float], int],
) -> list[tuple]:
    """Measure the responses to sines of several frequencies and levels."""
    fraction = _fraction(ratio)
    if period > MAX_PERIOD:
        raise InputError(f"the network's period, of {period} samples, is too long")
    # A quarter for the response to settle, two windows, and a quarter away from the end.
    samples = whole(4 * max(SINE_SAMPLES, ORDERS * period) / ratio)
    length = dft_length(int(samples * ratio) // 4, period)
    cycle_samples = length * fraction.denominator // fraction.numerator
    rows: list[tuple] = []
    for signal, level_db in SINE_LEVELS_DB.items():
        for frequency in SINE_FREQUENCIES:
            cycles = sine_cycles(frequency * float(1 / fraction), length, period)
            one = np.sin(2 * np.pi * cycles * np.arange(cycle_samples) / cycle_samples)
            # Repeated, not computed: both windows get the same numbers.
            sine = np.resize(np.sqrt(2) * 10 ** (level_db / 20) * one, samples)
            output = run(np.tile(sine.astype(np.float32), (channels, 1)))
            first = (output.shape[-1] - 2 * length) // 2
            if first < 0:
                raise InputError(
                    f"the response to a sine has {output.shape[-1]} samples, not {2 * length}"
                )
            windows = output[:, first : first + 2 * length].reshape(len(output), 2, length)
            response = measure_sine_response(windows.transpose(1, 0, 2), cycles, period)
            hz = cycles * rate_hz / length
            strongest_hz = response.strongest_bin * rate_hz / length
            rows += [
                (signal, OUTPUT, "aliasing_to_signal", hz, response.aliasing_db, "dB"),
                (signal, OUTPUT, "aliased_level", strongest_hz, response.strongest_db, "dB"),
                (signal, OUTPUT, "aliasing_repeats", hz, response.repeats, "1"),
            ]
            if period > 1:
                rows.append((signal, OUTPUT, "sine_image_level", hz, response.images_db, "dB"))
    return rows


def _border_rows(
    run: Run,
    noise: np.ndarray,
    output: np.ndarray,
    rate_hz: float,
    ratio: float,
    period: int,
) -> list[tuple]:
    """Compare the output with that to delayed noise: they differ where chunks begin."""
    fraction = _fraction(ratio)
    grid = period * fraction.denominator // fraction.numerator
    delay = grid * max(1, round(SHIFT_SAMPLES / ratio / grid))
    shift = delay * fraction.numerator // fraction.denominator
    if shift * MIN_PRIME > output.shape[-1]:
        raise InputError(f"the network's period, of {period} samples, is too long")
    before = np.random.default_rng(1).standard_normal((len(noise), delay), np.float32)
    delayed = run(np.concatenate([before, noise[:, :-delay]], axis=1))
    borders = find_borders(output, delayed, shift)
    rows = _click_rows("delayed_noise", borders, rate_hz)
    return rows


def _click_rows(signal: str, train: ClickTrain | None, rate_hz: float) -> list[tuple]:
    if train is None:
        return []
    hz = rate_hz / train.period
    return [
        (signal, OUTPUT, "click_period", hz, train.period, "samples"),
        (signal, OUTPUT, "click_level", hz, train.level_db, "dB"),
        (signal, OUTPUT, "click_count", hz, train.count, "1"),
        (signal, OUTPUT, "click_share", hz, train.share, "1"),
    ]


def _image_rows(signal: str, found: Sequence[Images]) -> list[tuple]:
    return [
        (signal, OUTPUT, measure, images.axis_hz, value, "dB")
        for images in found
        for measure, value in (
            ("image_level", images.level_db),
            ("image_rejection", images.rejection_db),
        )
    ]


def _residual_level_db(signal: np.ndarray) -> float:
    """Level of a signal without its median, from the median deviation: ends and borders hardly
    count."""
    deviations = np.abs(signal - np.median(signal, axis=-1, keepdims=True))
    # Of a normal distribution, the median deviation is 0.6745 times the standard deviation.
    rms = np.median(deviations, axis=-1).astype(np.float64) / 0.6745
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(rms**2)))


def other_findings(measures: pd.DataFrame, rate_hz: float) -> list[Finding]:
    """Say what is not a tone in a model.

    Args:
        measures: The measures of its output, also those of :func:`measure_model`: columns seed,
            signal, layer, measure, frequency_hz, value.
        rate_hz: Sampling rate of the output.

    Returns:
        One finding of each kind that was found: offset, images, aliasing, clicks, boundary.
    """
    output = measures[measures["layer"] == OUTPUT]
    clicks = _clicks(output, rate_hz)
    findings = [
        _offset(output), _images(output, rate_hz), _aliasing(output), clicks,
        # Where chunks begin, the ends of a segment are not the only borders.
        None if clicks else _boundary(output),
    ]  # fmt: skip
    return [finding for finding in findings if finding]


def _values(measures: pd.DataFrame, signal: str, measure: str) -> pd.Series:
    """The values of all seeds, by frequency."""
    rows = measures[(measures["signal"] == signal) & (measures["measure"] == measure)]
    return rows.set_index("frequency_hz")["value"]


def _offset(measures: pd.DataFrame) -> Finding | None:
    levels = _values(measures, "silence", "offset_level")
    level_db = float(levels.max()) if len(levels) else -math.inf
    if not level_db > MODEL_OFFSET_DB:
        return None
    rest_db = float(_values(measures, "silence", "residual_level").iloc[int(levels.argmax())])
    constant = rest_db < level_db + BIAS_DB
    sentence = f"In silence, the output has a DC offset of {level_db:.0f} dB re 1" + (
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


def _aliasing(measures: pd.DataFrame) -> Finding | None:
    tables = []
    for signal, sine_db in SINE_LEVELS_DB.items():
        ratios = _values(measures, signal, "aliasing_to_signal")
        aliased = _values(measures, signal, "aliased_level")
        table = pd.DataFrame(
            {
                "sine_hz": ratios.index, "sine_db": sine_db, "ratio_db": ratios.to_numpy(),
                "aliased_hz": aliased.index, "aliased_db": aliased.to_numpy(),
                "repeats": _values(measures, signal, "aliasing_repeats").to_numpy(),
            }
        )  # fmt: skip
        tables.append(table)
    found = pd.concat(tables)
    loud = found[found["ratio_db"] > ALIASING_DB]
    if loud.empty:
        return None
    steady = loud[loud["repeats"] >= MIN_REPEATS]
    if steady.empty:
        sentence = (
            "Aliasing cannot be told from noise: off the harmonics of a sine, the output does not "
            "repeat with it."
        )
        return Finding("left_out", sentence, {"measure": "aliasing"})
    worst = steady.iloc[int(steady["ratio_db"].to_numpy().argmax())]
    sentence = (
        f"Aliasing: for a sine of {worst['sine_hz']:.0f} Hz and RMS {worst['sine_db']:g} dB re 1, "
        f"the energy off the harmonics is {worst['ratio_db']:.0f} dB re that on them (worst of "
        f"{found['sine_hz'].nunique()} frequencies at {len(SINE_LEVELS_DB)} levels); strongest at "
        f"{worst['aliased_hz']:.0f} Hz, {worst['aliased_db']:.0f} dB re the sine."
    )
    if (measures["measure"] == "sine_image_level").any():
        sentence = (
            f"{sentence[:-1]}; images of its harmonics count, too, but not those of the sine."
        )
    return Finding("aliasing", sentence, {str(key): float(worst[key]) for key in worst.index})


def _clicks(measures: pd.DataFrame, rate_hz: float) -> Finding | None:
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
        else f"In {' and '.join(signals)}, {max(by_signal.values()):.0f} dB above the surroundings."
    )
    sentence = f"Clicks {every(period, rate_hz)}, as at the borders of chunks. {where}"
    values = {"period_samples": period, "levels_db": by_signal, "signals": signals}
    return Finding("clicks", sentence, values)


def _boundary(measures: pd.DataFrame) -> Finding | None:
    start = _values(measures, "noise", "boundary_start")
    end = _values(measures, "noise", "boundary_end")
    if start.empty or not start.max() + end.max():
        return None
    n_start, n_end = int(start.max()), int(end.max())
    ends = " and ".join(
        f"the {which} {counted(count, 'sample')}"
        for which, count in (("first", n_start), ("last", n_end))
        if count
    )
    sentence = (
        f"Boundary artifacts: {ends} of a segment differ from the same samples in mid-signal."
    )
    return Finding("boundary", sentence, {"start_samples": n_start, "end_samples": n_end})
