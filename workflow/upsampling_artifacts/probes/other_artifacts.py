"""What is wrong with a model when it is not a tone: measures.

Folded-back aliasing, spectral images, clicks between chunks, and what is left of silence without
its offset, as rows of ``measures.csv``. :mod:`other_findings` says what they mean.
"""

from __future__ import annotations

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
from upsampling_artifacts.artifacts.masking import masking_margins_db
from upsampling_artifacts.artifacts.measures import NO_FREQUENCY
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.layer_tracer import Layer
from upsampling_artifacts.probes.measures_table import COLUMNS
from upsampling_artifacts.probes.user_model_signals import SINES

Run = Callable[[np.ndarray], np.ndarray]
"""A model: ``(channels, time)`` to ``(channels, time)``, both float32."""

OUTPUT = "output"

SINE_FREQUENCIES = (0.0247, 0.0618, 0.1271, 0.2393)
"""Frequencies of the sines re the model's input rate: 1.2, 3, 6.1 and 11.5 kHz at 48 kHz; away from
simple fractions, near which folded harmonics would lie beside harmonics."""

SINE_PEAKS = {SINES: 0.5, "quiet_sines": 0.05}
"""Amplitude of the sines, by the name of the signal in the table. Models of audio from -1 to 1 may
clip beyond that: half of it does not bring about the distortion that it measures."""

SINE_SAMPLES = 8192
"""Length of the spectra of the responses, in output samples; longer if the network's period is."""

ORDERS = 32
"""The spectrum is this many periods of the network long, for harmonics up to half that order."""

MAX_PERIOD = 2048
"""Periods beyond this take sines of more than half a million samples."""

SHIFT_SAMPLES = 997
"""The noise is delayed by about this many samples, which no usual length of a chunk divides."""


def measure_model(
    run: Run,
    test_signals: dict[str, np.ndarray],
    outputs: dict[str, np.ndarray],
    lines_hz: Sequence[float],
    layers: Sequence[Layer],
    rate_hz: float,
    ratio: float,
    *,
    sines: bool,
    whole: Callable[[float], int] = round,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure what is not a tone in a model's outputs, and in its responses to more signals.

    Args:
        run: The model.
        test_signals: ``(channels, time)`` by name.
        outputs: Its outputs to them, ``(channels, time)``.
        lines_hz: Frequencies of the lines that were found in any output; how audible they are is
            measured in noise.
        layers: Its rate-changing layers.
        rate_hz: Sampling rate of the output.
        ratio: Output samples per input sample or frame.
        sines: Whether to measure the responses to sines.
        whole: Rounds the length of an input up to one that the model takes.

    Returns:
        The measures, with the columns :data:`measures_table.COLUMNS`, and why others could not be
        taken.

    Raises:
        InputError: Never: a run that fails is left out.
    """
    rows: list[tuple] = []
    left_out: dict[str, str] = {}
    for name, output in outputs.items():
        rows += _click_rows(name, find_clicks(output, rate_hz), rate_hz)
    if "silence" in outputs:
        rest_db = _residual_level_db(outputs["silence"])
        rows.append(("silence", OUTPUT, "residual_level", NO_FREQUENCY, rest_db, "dB"))
    period = network_period(layers, ratio)
    if "noise" in outputs:
        rows += _image_rows("noise", find_images(outputs["noise"], rate_hz))
        with _leaving_out("masking", left_out):
            rows += _margin_rows("noise", outputs["noise"], lines_hz, rate_hz)
        with _leaving_out("clicks between chunks", left_out):
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
    """Context manager: an :class:`InputError` becomes a reason instead of ending the probe."""

    def __init__(self, what: str, left_out: dict[str, str]):
        self.what, self.left_out = what, left_out

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, InputError):
            return False
        self.left_out[self.what] = str(error)
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
    for signal, peak in SINE_PEAKS.items():
        for frequency in SINE_FREQUENCIES:
            cycles = sine_cycles(frequency * float(1 / fraction), length, period)
            one = np.sin(2 * np.pi * cycles * np.arange(cycle_samples) / cycle_samples)
            # Repeated, not computed: both windows get the same numbers.
            sine = np.resize(peak * one, samples)
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


def _margin_rows(
    signal: str, output: np.ndarray, lines_hz: Sequence[float], rate_hz: float
) -> list[tuple]:
    margins_db = masking_margins_db(output, rate_hz, lines_hz)
    return [
        (signal, OUTPUT, "found_line_masking_margin", hz, margin_db, "dB")
        for hz, margin_db in zip(lines_hz, margins_db, strict=True)
    ]


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
