"""Filtering artifacts: what the fixed filter of an interpolation does to a spectrum.

Section 3 of the paper. An interpolation is zero insertion, which repeats the spectrum at multiples
of the old rate, followed by a fixed low-pass filter, whose response is known in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import get_window

from upsampling_artifacts.artifacts.spectra import mean_spectrum
from upsampling_artifacts.errors import InputError

WINDOW = "blackmanharris"
"""Its side lobes lie at -92 dB."""

# Fewer samples resolve no spectrum, whatever the rate. A hidden layer may run at 10 Hz.
MIN_WINDOW_SAMPLES = 256
MIN_SAMPLES = 16

# Below this level re the maximum of the input's density, the window's leakage dominates.
LEAKAGE_DB = -80.0

# In valleys deeper than this re the maximum, the window's main lobe fills in power from the slopes:
# the measurement shows the window, not the response.
COMPARED_RANGE_DB = 40.0

# Half width of a valley's surroundings re the sampling rate: a quarter of the distance between the
# valleys of a stride-4 layer, so their surroundings do not overlap. Larger strides put valleys
# closer together, but make them narrower in proportion: most bins still lie between valleys, and
# with them the median.
NEIGHBORHOOD = 1 / 16


def power_density(
    signal: np.ndarray, rate_hz: float, window_seconds: float = 0.064
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density by Welch's method, averaged over channels.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        window_seconds: Length of the Blackman-Harris window, rounded to a power of two of
            samples, so that multiples of rate / stride fall on bins; at least 256 samples and at
            most the whole signal.

    Returns:
        ``(frequencies_hz, power)``, both ``(frequency,)``. The density is one-sided, in power
        per Hz: its sum times the bin width is the mean square.

    Raises:
        InputError: The signal has fewer than 16 samples.

    Example:
        >>> frequencies_hz, power = power_density(np.full((1, 8000), 0.1), rate_hz=8000)
        >>> round(float(power.sum() * frequencies_hz[1]), 4)
        0.01
    """
    time = signal.shape[-1]
    if time < MIN_SAMPLES:
        raise InputError(
            f"signal: {time} samples are too few for a spectrum; use at least {MIN_SAMPLES}"
        )
    window_samples = 2 ** round(np.log2(window_seconds * rate_hz))
    samples = min(max(window_samples, MIN_WINDOW_SAMPLES), 2 ** int(np.log2(time)))
    window = get_window(WINDOW, samples)
    bandwidth_hz = rate_hz * np.sum(window**2) / window.sum() ** 2
    power = mean_spectrum(signal, WINDOW, samples) / bandwidth_hz
    return np.fft.rfftfreq(samples, 1 / rate_hz), power


def interpolation_response_db(
    kind: str, stride: int, frequencies_hz: np.ndarray, rate_hz: float
) -> np.ndarray:
    """The exact frequency response of an interpolation (section 3 of the paper).

    Nearest-neighbor interpolation is zero insertion and a filter of ``stride`` ones. Its response
    is a geometric series that sums to the Dirichlet kernel
    ``D(f) = |sin(pi f stride / rate) / (stride sin(pi f / rate))|``.

    Linear interpolation filters with a triangle. An odd stride samples the triangle at its peak:
    a rectangle convolved with itself, ``D**2``. An even stride with ``align_corners=False``
    samples it half a sample off the peak. On a straight line, each value there is the mean of two
    neighboring samples: ``D**2 |cos(pi f / rate)|``.

    Learned interpolation is initialized as linear interpolation, but keeps the input samples, so
    every stride samples the triangle at its peak: ``D**2``.

    Args:
        kind: "nearest", "linear" or "learned_interpolation" (at initialization).
        stride: Upsampling factor.
        frequencies_hz: Where to evaluate, any shape. The response repeats at multiples of the rate.
        rate_hz: Sampling rate of the output.

    Returns:
        dB, in the shape of ``frequencies_hz``: 0 dB at 0 Hz, -inf at zeros of the response.

    Raises:
        InputError: The kind is unknown.

    Example:
        >>> frequencies_hz = np.array([0, 2000, 4000])
        >>> interpolation_response_db("nearest", 2, frequencies_hz, 8000).round(2).tolist()
        [0.0, -3.01, -inf]
    """
    angle = np.pi * np.asarray(frequencies_hz, dtype=np.float64) / rate_hz
    taps = np.arange(stride) - (stride - 1) / 2
    # Sum the series: its closed form is 0 / 0 at multiples of the rate.
    nearest = np.cos(2 * np.multiply.outer(angle, taps)).mean(axis=-1)
    if kind == "nearest":
        response = nearest
    elif kind == "linear":
        response = nearest**2 * (np.cos(angle) if stride % 2 == 0 else 1.0)
    elif kind == "learned_interpolation":
        response = nearest**2
    else:
        raise InputError(
            f"interpolation: unknown kind {kind!r}; use 'nearest', 'linear' or "
            "'learned_interpolation'"
        )
    # Where the series cancels, rounding leaves about 1e-16.
    response = np.where(np.abs(response) < 1e-14, 0.0, np.abs(response))
    with np.errstate(divide="ignore"):
        return 20 * np.log10(response)


def stack_response_db(
    kinds: Sequence[str], stride: int, frequencies_hz: np.ndarray, rate_hz: float
) -> np.ndarray:
    """The exact frequency response of several interpolations in a row.

    Each layer repeats the response of the layers before it: at its output, their response is
    periodic in the rate at which they run.

    Args:
        kinds: "nearest" or "linear" for each layer, first layer first.
        stride: Upsampling factor of each layer.
        frequencies_hz: Where to evaluate, any shape.
        rate_hz: Sampling rate of the last layer's output.

    Returns:
        dB, in the shape of ``frequencies_hz``; 0 dB at 0 Hz.

    Example:
        Two nearest-neighbor layers x2 make one x4.

        >>> frequencies_hz = np.array([500.0, 1500.0])
        >>> stack_response_db(["nearest", "nearest"], 2, frequencies_hz, 8000).round(2).tolist()
        [-0.86, -9.95]
        >>> interpolation_response_db("nearest", 4, frequencies_hz, 8000).round(2).tolist()
        [-0.86, -9.95]
    """
    response_db = np.zeros(np.shape(frequencies_hz))
    for layers_after, kind in enumerate(reversed(kinds)):
        layer_rate_hz = rate_hz / stride**layers_after
        response_db += interpolation_response_db(kind, stride, frequencies_hz, layer_rate_hz)
    return response_db


def valley_depth_db(
    frequencies_hz: np.ndarray, power: np.ndarray, frequency_hz: float, rate_hz: float
) -> float:
    """How far the density at a frequency lies below the median of its surroundings.

    The surroundings extend a sixteenth of the rate to either side (see ``NEIGHBORHOOD``).

    Args:
        frequencies_hz: ``(frequency,)``, as returned by :func:`power_density`.
        power: ``(frequency,)``, the density at these frequencies.
        frequency_hz: Frequency of the valley; the nearest bin is used.
        rate_hz: Sampling rate.

    Returns:
        dB: positive for a valley, negative for a peak. inf if only the bin is exactly zero, NaN
        if the surroundings are too.

    Example:
        >>> frequencies_hz = np.arange(0, 4001, 10.0)
        >>> power = np.ones(401)
        >>> power[200] = 1e-4
        >>> valley_depth_db(frequencies_hz, power, 2000, rate_hz=8000)
        40.0
    """
    distance = np.abs(frequencies_hz - frequency_hz)
    around = np.median(power[distance <= NEIGHBORHOOD * rate_hz])
    nearest = np.argmin(distance)
    # A one-sided density folds negative frequencies onto positive ones, except at 0 Hz and Nyquist.
    unfolded = nearest in (0, len(power) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(10 * np.log10(around / (power[nearest] * (2 if unfolded else 1))))


def flatness_db(power: np.ndarray) -> float:
    """Arithmetic mean over geometric mean of a density, in dB.

    The inverse of the spectral flatness measure (Gray & Markel 1974).

    Args:
        power: ``(frequency,)``.

    Returns:
        dB: 0 for a flat density, larger for a less flat one. inf if some bins are exactly zero,
        NaN if all are or the array is empty.

    Example:
        >>> flatness_db(np.ones(100))
        0.0
        >>> round(flatness_db(np.array([1.0, 100.0])), 2)
        7.03
    """
    power = np.asarray(power, dtype=np.float64)
    if not power.any():
        return float("nan")
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power.mean()) - np.mean(10 * np.log10(power)))


def treble_level_db(output: np.ndarray, input: np.ndarray, rate_hz: float, from_hz: float) -> float:
    """How much of the input's treble reaches the output: a ratio of powers above a frequency.

    For the output of a separation, sum the sources: a perfect one keeps everything (0 dB).

    Args:
        output: ``(channels, time)``.
        input: ``(channels, time)``, as long as the output.
        rate_hz: Sampling rate.
        from_hz: Where the treble begins.

    Returns:
        dB; NaN if the input has none, -inf if the output has none.

    Example:
        >>> time = np.arange(8000) / 8000
        >>> bass, treble = (np.sin(2 * np.pi * hz * time)[None] for hz in (500, 3000))
        >>> round(treble_level_db(bass + treble / 10, bass + treble, 8000, from_hz=1000), 3)
        -20.0
    """
    kept, all = (
        power[frequencies_hz > from_hz].sum()
        for frequencies_hz, power in (power_density(signal, rate_hz) for signal in (output, input))
    )
    if all == 0:
        return float("nan")
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(kept / all))


def response_db(output: np.ndarray, input: np.ndarray, rate_hz: float, stride: int) -> np.ndarray:
    """Measured frequency response of an upsampling layer.

    Every upsampling layer is zero insertion and a filter. The output's density is therefore
    divided by that of the zero-inserted input, which leaves the filter. White noise, a sweep or
    music as input give the same response.

    Args:
        output: ``(channels, time * stride)``.
        input: ``(channels, time)``; the number of channels may differ from the output's.
        rate_hz: Sampling rate of the output.
        stride: Upsampling factor; 1 for a model whose input and output have the same rate.

    Returns:
        dB at the frequencies of ``power_density(output, rate_hz)``. NaN where the input's density
        lies more than 80 dB below its maximum, so that leakage dominates; -inf where the output
        is exactly zero.

    Raises:
        InputError: The output has fewer than 16 samples.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 8000))
        >>> np.unique(response_db(0.1 * noise, noise, rate_hz=8000, stride=1).round(6)).tolist()
        [-20.0]
    """
    stretched = np.zeros((len(input), input.shape[-1] * stride))
    stretched[:, ::stride] = input
    time = min(stretched.shape[-1], output.shape[-1])
    _, before = power_density(stretched[:, :time], rate_hz)
    _, after = power_density(output[:, :time], rate_hz)
    above_leakage = before > 10 ** (LEAKAGE_DB / 10) * before.max()
    ratio = np.full(before.shape, np.nan)
    np.divide(after, before, out=ratio, where=above_leakage)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(ratio)


def response_error_db(measured_db: np.ndarray, theory_db: np.ndarray) -> float:
    """RMS difference between two responses after removing their mean difference, a gain.

    The comparison covers the frequencies where theory lies within 40 dB of its maximum and the
    measurement is finite.

    Args:
        measured_db: ``(frequency,)``.
        theory_db: ``(frequency,)``.

    Returns:
        dB; NaN if no frequency can be compared.

    Example:
        >>> response_error_db(np.array([7.0, -3.0, 99.0]), np.array([0.0, -10.0, -np.inf]))
        0.0
    """
    compared = (theory_db >= np.max(theory_db) - COMPARED_RANGE_DB) & np.isfinite(measured_db)
    if not compared.any():
        return float("nan")
    return float(np.std(measured_db[compared] - theory_db[compared]))
