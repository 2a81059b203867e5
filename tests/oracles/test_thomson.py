"""Found lines agree with Thomson's harmonic F-test, as implemented by nitime.

Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70 (1982). Under the null
hypothesis, the F-test of a stationary line needs no surroundings and no frames, so it shares
nothing with the detector that it checks.
"""

from functools import cache

import numpy as np
import pytest
import torch
from nitime.algorithms import dpss_windows
from nitime.utils import detect_lines
from scipy.signal import iirpeak, lfilter
from scipy.stats import f as f_distribution
from torch import nn
from upsampling_artifacts.artifacts.line_search import FALSE_ALARMS, find_lines

RATE_HZ = 8000
SECONDS = 4
TAPERS = 15
HALF_BANDWIDTH = 8  # the F-test resolves lines 2 * HALF_BANDWIDTH / SECONDS = 4 Hz apart
SEEDS = range(10)


@cache
def tapers(samples: int) -> np.ndarray:
    """Slepian tapers, ``(taper, time)``."""
    return dpss_windows(samples, HALF_BANDWIDTH, TAPERS)[0]


def lines_by_f_test(signal: np.ndarray, chance: float | None = None) -> dict[float, float]:
    """Level in dB re 1 of each line, by frequency in Hz.

    nitime looks up its threshold in F(2, K - 1). Of the K complex residuals, 2 K - 2 degrees are
    free, so the probability is converted. Zero-padding puts a bin near every frequency.

    Args:
        signal: ``(time,)``.
        chance: Probability of a false alarm per bin. None: per signal, that of ``find_lines``.
    """
    samples = signal.shape[-1]
    threshold = f_distribution.isf(chance or FALSE_ALARMS / samples, 2, 2 * TAPERS - 2)
    probability = f_distribution.sf(threshold, 2, TAPERS - 1)
    found = detect_lines(signal, tapers(samples), p=probability, NFFT=4 * samples)
    return {
        float(frequency * RATE_HZ): float(10 * np.log10(2 * abs(amplitude) ** 2))
        for frequency, amplitude in zip(*(found or ([], [])), strict=True)
    }


def lines_by_search(signal: np.ndarray) -> dict[float, float]:
    return {line.frequency_hz: line.level_db for line in find_lines(signal[None], RATE_HZ)}


def matches(wanted: dict[float, float], found: dict[float, float]) -> list[tuple[float, float]]:
    """Differences of frequency and level to the nearest line found, for each line wanted."""
    differences = []
    for frequency_hz, level_db in wanted.items():
        nearest_hz = min(found, key=lambda other_hz: abs(other_hz - frequency_hz), default=np.inf)
        level_difference_db = abs(found.get(nearest_hz, np.inf) - level_db)
        differences.append((abs(nearest_hz - frequency_hz), level_difference_db))
    return differences


def tones_in_noise(seed: int, lowest_db: float, highest_db: float) -> tuple[np.ndarray, dict]:
    """Twelve tones at random frequencies in white noise with an RMS of 1, and their levels."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(RATE_HZ * SECONDS) / RATE_HZ
    signal = rng.standard_normal(len(seconds))
    levels_db = {}
    for n in range(12):
        frequency_hz = 300 * (n + 1) + rng.uniform(-100, 100)
        levels_db[frequency_hz] = rng.uniform(lowest_db, highest_db)
        phase = 2 * np.pi * frequency_hz * seconds + rng.uniform(0, 2 * np.pi)
        signal += 10 ** (levels_db[frequency_hz] / 20) * np.sqrt(2) * np.sin(phase)
    return signal, levels_db


@pytest.mark.parametrize("seed", SEEDS)
def test_both_find_the_clear_tones_and_nothing_else(seed) -> None:
    signal, levels_db = tones_in_noise(seed, -20, -5)
    searched, tested = lines_by_search(signal), lines_by_f_test(signal)
    assert len(searched) == len(tested) == len(levels_db)
    assert max(hz for hz, _ in matches(searched, tested)) < 0.25
    assert max(hz for hz, _ in matches(searched, levels_db)) < 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_both_measure_the_same_levels(seed) -> None:
    """The noise in a bin of the search is at -30 dB, so a tone at 0 dB fluctuates by 2 %.

    The level that it reaches in three quarters of the frames is 0.2 dB below its mean.
    """
    signal, levels_db = tones_in_noise(seed, -1, 1)
    searched, tested = lines_by_search(signal), lines_by_f_test(signal)
    assert max(db for _, db in matches(searched, tested)) < 0.5
    assert max(db for _, db in matches(levels_db, tested)) < 0.5


def test_what_is_found_near_the_threshold_is_confirmed() -> None:
    """By an F-test that errs in one bin of a thousand, that is, at 1 % of all frequencies."""
    found, confirmed, tones, confirmed_tones = 0, 0, 0, 0
    for seed in SEEDS:
        signal, levels_db = tones_in_noise(seed, -32, -22)
        searched, tested = lines_by_search(signal), lines_by_f_test(signal)
        confirming = lines_by_f_test(signal, chance=0.001)
        found += len(searched)
        confirmed += sum(hz < 1 for hz, _ in matches(searched, confirming))
        tones += len(levels_db)
        confirmed_tones += sum(hz < 1 for hz, _ in matches(levels_db, tested))
    assert confirmed >= 0.95 * found
    # The levels are at the threshold of both, and the search finds at least half as many.
    assert 0.5 * confirmed_tones <= found < 0.5 * tones
    assert confirmed_tones < 0.7 * tones


@pytest.mark.parametrize("stride", [4, 5, 25])
def test_both_find_the_tones_of_an_upsampler(stride) -> None:
    """A transposed convolution of ones, in noise: lines at all multiples of rate / stride."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose1d(1, 1, stride, stride, bias=False)
    nn.init.uniform_(layer.weight)
    frames = RATE_HZ * SECONDS // stride
    with torch.no_grad():
        tones = layer(torch.ones(1, 1, frames))[0, 0].double().numpy()
    signal = tones - tones.mean() + 0.01 * np.random.default_rng(0).standard_normal(len(tones))
    expected_hz = RATE_HZ / stride * np.arange(1, (stride + 1) // 2)  # below the Nyquist frequency
    for found in (lines_by_search(signal), lines_by_f_test(signal)):
        below_nyquist = sorted(hz for hz in found if hz < RATE_HZ / 2 - 1)
        assert below_nyquist == pytest.approx(expected_hz, abs=0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_finds_a_line_in_resonant_noise(seed) -> None:
    """Narrow peaks of a spectrum: a search without a test of the phase finds lines in them."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((2, RATE_HZ * (SECONDS + 1)))
    resonance = lfilter(*iirpeak(1000, 50, fs=RATE_HZ), white[0]) + 0.1 * white[1]
    signal = resonance[RATE_HZ:]
    assert not lines_by_search(signal)
    assert not lines_by_f_test(signal)
