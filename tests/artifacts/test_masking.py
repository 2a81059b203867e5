"""Masking: tones in noise of known density at the thresholds of the standards."""

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.hearing import (
    critical_band_hz,
    critical_bandwidth_hz,
    threshold_in_quiet_db_spl,
)
from upsampling_artifacts.artifacts.masking import (
    band_masking_margins_db,
    margin_resolution_hz,
    masking_margin_db,
    masking_margins_db,
    narrow_band_spectrum,
    rate_tones,
)
from upsampling_artifacts.artifacts.prominence_ratio import (
    prominence_ratio_db,
    prominence_ratios_db,
)
from upsampling_artifacts.errors import InputError

RATE_HZ = 44_100


def noise(seconds: float = 4, channels: int = 2, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((channels, round(seconds * rate_hz)), np.float32)


def tone(frequency_hz: float, rms: float, seconds: float = 4, rate_hz: int = RATE_HZ) -> np.ndarray:
    n = np.arange(round(seconds * rate_hz))
    return rms * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz / rate_hz * n + 0.3)[None]


@pytest.mark.parametrize(
    ("frequency_hz", "width_hz"), [(150, 100), (1000, 160), (4000, 700), (10_500, 2500)]
)
def test_critical_bands_are_as_wide_as_in_zwickers_table(frequency_hz, width_hz) -> None:
    assert critical_bandwidth_hz(frequency_hz) == pytest.approx(width_hz, rel=0.03)
    low_hz, high_hz = critical_band_hz(frequency_hz)
    assert high_hz - low_hz == pytest.approx(critical_bandwidth_hz(frequency_hz))
    assert np.sqrt(low_hz * high_hz) == pytest.approx(frequency_hz)


# The 38 lines of ISO/PAS 20065, Table E.1, from 96.9 Hz on, 2.6917 Hz apart: a combustion engine
# with tones at 118.4, 137.3 and 158.8 Hz.
ENGINE_DB = """
    49.40 50.68 50.09 53.37 44.47 50.91 51.41 59.40 64.54 57.57 51.02 50.76 59.93 62.94 58.49 65.87
    62.66 50.25 51.32 52.30 52.58 53.15 67.04 67.27 57.40 57.17 52.56 51.39 52.49 47.68 51.26 49.03
    61.42 59.52 48.43 50.84 48.20 55.95
"""

# DIN 45681, Table I.9: the 39 lines from 253 Hz on of a wind turbine with a tone at 298.8 Hz.
TURBINE_DB = """
    37.83 38.45 38.23 38.74 40.37 47.09 45.59 43.27 46.73 46.54 51.81 49.74 50.95 52.50 55.45 55.32
    61.55 66.68 64.77 57.80 55.75 43.29 46.26 47.47 46.22 40.64 38.10 42.13 46.34 39.03 37.42 42.59
    41.93 41.81 50.24 52.30 48.38 36.27 40.63
"""
STANDARD_SPACING_HZ = 44_100 / 2**14


def lines_of_standard(levels_db: str, first_hz: float) -> np.ndarray:
    levels = np.array(levels_db.split(), dtype=float)
    power = np.zeros(200)
    first = round(first_hz / STANDARD_SPACING_HZ)
    power[first : first + len(levels)] = 10 ** (levels / 10)
    return power


@pytest.mark.parametrize(
    ("levels_db", "first_hz", "frequency_hz", "level_db", "margin_db"),
    # Printed as 298.8 Hz; with 298.9 Hz, the band starts at the same line as in the example.
    [(ENGINE_DB, 96.9, 137.3, 67.96, 4.99), (TURBINE_DB, 253.0, 298.9, 68.10, 12.52)],
)
def test_single_tones_have_the_level_and_audibility_of_the_standards_examples(
    levels_db, first_hz, frequency_hz, level_db, margin_db
):
    power = lines_of_standard(levels_db, first_hz)
    tones = rate_tones(STANDARD_SPACING_HZ, power, [frequency_hz])
    assert 10 * np.log10(tones.levels[0]) == pytest.approx(level_db, abs=0.005)
    assert tones.margins_db[0] == pytest.approx(margin_db, abs=0.03)


def test_tones_of_a_band_have_the_joint_level_of_the_standards_example() -> None:
    power = lines_of_standard(ENGINE_DB, 96.9)
    tones = rate_tones(STANDARD_SPACING_HZ, power, [118.4, 137.3, 158.8])
    lines = sorted({line for tone in tones.lines for line in tone})
    assert 10 * np.log10(power[lines].sum() / 1.5) == pytest.approx(72.15, abs=0.005)


def colored_noise(color: str, seconds: float, rate_hz: int, seed: int) -> np.ndarray:
    """Noise with the density of white noise of variance 1 at 1 kHz."""
    white = np.random.default_rng(seed).standard_normal((1, round(seconds * rate_hz)))
    bins_hz = np.fft.rfftfreq(white.shape[1], 1 / rate_hz)
    gain = {"white": 1.0, "pink": np.sqrt(1000 / np.maximum(bins_hz, 20))}[color]
    return np.fft.irfft(np.fft.rfft(white) * gain, white.shape[1])


def rms_at_threshold(color: str, frequency_hz: float, rate_hz: int) -> float:
    density = 2 / rate_hz * (1000 / frequency_hz if color == "pink" else 1)
    index_db = -2 - np.log10(1 + (frequency_hz / 502) ** 2.5)
    return np.sqrt(density * critical_bandwidth_hz(frequency_hz) * 10 ** (index_db / 10))


@pytest.mark.parametrize(
    ("rate_hz", "frequency_hz"),
    [(44_100, hz) for hz in (1000, 2000, 4000, 8000, 11_025)] + [(8000, 1000), (8000, 2000)],
)
@pytest.mark.parametrize(
    ("seconds", "color", "seeds"),
    [(1.5, "white", 8), (1.5, "pink", 8), (4, "white", 4), (4, "pink", 4), (16, "white", 2)],
)
@pytest.mark.parametrize("with_neighbors", [False, True])
def test_a_tone_at_the_masked_threshold_has_a_margin_of_zero(
    rate_hz, frequency_hz, seconds, color, seeds, with_neighbors
):
    """Alone, and with two tones 20 dB stronger in its critical band; on and between two lines."""
    margins_db = []
    for seed in range(seeds):
        f = frequency_hz + margin_resolution_hz(rate_hz) / 8 * (seed % 2)
        rms = rms_at_threshold(color, f, rate_hz)
        signal = colored_noise(color, seconds, rate_hz, seed) + tone(f, rms, seconds, rate_hz)
        for offset in (-0.3, 0.27) if with_neighbors else ():
            neighbor_hz = f + offset * critical_bandwidth_hz(f)
            signal = signal + tone(neighbor_hz, 10 * rms, seconds, rate_hz)
        margins_db.append(masking_margin_db(signal, rate_hz, f))
    assert np.mean(margins_db) == pytest.approx(0, abs=1)
    # What single seeds differ by is noise in the line of the tone: it falls with the duration.
    assert np.max(np.abs(margins_db)) < (1 if seconds > 4 else 2)


def test_a_level_above_the_threshold_is_a_margin() -> None:
    signal = colored_noise("white", 4, RATE_HZ, 0)
    signal += tone(4000, rms_at_threshold("white", 4000, RATE_HZ) * 10**1.5)
    assert masking_margin_db(signal, RATE_HZ, 4000) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize(
    ("frequency_hz", "gain_db"), [(63, -26.2), (250, -8.6), (4000, 1.0), (12_500, -4.3)]
)
def test_lines_are_a_weighted(frequency_hz, gain_db) -> None:
    """Against 1 kHz, as in Table 3 of IEC 61672-1."""
    signal = tone(frequency_hz, 1) + tone(1000, 1)
    levels = rate_tones(*narrow_band_spectrum(signal, RATE_HZ), [frequency_hz, 1000]).levels
    assert 10 * np.log10(levels[0] / levels[1]) == pytest.approx(gain_db, abs=0.25)


def test_the_margin_does_not_depend_on_the_duration() -> None:
    signal = noise(16) + tone(4000, 0.2, 16)
    margins_db = [
        masking_margin_db(signal[:, : seconds * RATE_HZ], RATE_HZ, 4000)
        for seconds in (2, 4, 8, 16)
    ]
    assert np.ptp(margins_db) < 0.5


def test_noise_has_no_audible_tone() -> None:
    frequencies_hz = [689, 2756, 5512, 11_025]
    assert max(masking_margins_db(noise(), RATE_HZ, frequencies_hz)) < -5


def test_only_noise_in_the_same_critical_band_masks() -> None:
    signal = 1e-4 * noise() + tone(4000, 0.1)
    alone_db = masking_margin_db(signal, RATE_HZ, 4000)
    for other_hz in (4200, 6000):
        with_other_db = masking_margin_db(signal + tone(other_hz, 1), RATE_HZ, 4000)
        assert with_other_db == pytest.approx(alone_db, abs=1)
    bins_hz = np.fft.rfftfreq(4 * RATE_HZ, 1 / RATE_HZ)
    for center_hz, masked_db in ((4100, 20), (6000, 0)):
        band = np.fft.rfft(noise()) * (np.abs(bins_hz - center_hz) < 300) * 1e-3
        margin_db = masking_margin_db(signal + np.fft.irfft(band), RATE_HZ, 4000)
        assert margin_db == pytest.approx(alone_db - masked_db, abs=1)


def test_audible_tones_of_a_band_count_together() -> None:
    signal = 0.01 * noise() + sum(tone(hz, 0.1) for hz in (4000, 4100, 4200, 6000))
    together_db = band_masking_margins_db(signal, RATE_HZ, [4000, 4100, 4200, 6000])
    alone_db = masking_margins_db(signal, RATE_HZ, [4000, 4100, 4200, 6000])
    assert together_db[1] - max(alone_db[:3]) == pytest.approx(10 * np.log10(3), abs=0.3)
    assert together_db[3] == alone_db[3]


def test_lines_that_belong_to_two_tones_count_once() -> None:
    """The tones are three lines apart. Each includes all lines of both."""
    frequencies_hz = [4000, 4000 + 3 * STANDARD_SPACING_HZ]
    signal = 0.01 * noise() + sum(tone(hz, 0.1) for hz in frequencies_hz)
    together_db = max(band_masking_margins_db(signal, RATE_HZ, frequencies_hz))
    alone_db = max(masking_margins_db(signal, RATE_HZ, frequencies_hz))
    assert together_db == pytest.approx(alone_db, abs=0.3)


def test_a_tone_ends_before_a_larger_line() -> None:
    power = np.ones(2000)
    power[500:503] = 100, 40, 1000
    (lines,) = rate_tones(2.0, power, [1000.0]).lines
    assert list(lines) == [500, 501]


@pytest.mark.parametrize(("below_db", "belongs"), [(9.8, True), (10.2, False)])
def test_lines_down_to_10_db_below_the_largest_belong_to_its_tone(
    below_db: float, belongs: bool
) -> None:
    power = np.ones(2000)
    power[500:502] = 100, 100 * 10 ** (-below_db / 10)
    (lines,) = rate_tones(2.0, power, [1000.0]).lines
    assert list(lines) == ([500, 501] if belongs else [500])


def test_tones_that_are_just_audible_count_together() -> None:
    frequencies_hz = [4000, 4100]
    tones = sum(tone(hz, 1) for hz in frequencies_hz)
    excess_db = max(masking_margins_db(0.01 * noise() + tones, RATE_HZ, frequencies_hz)) - 0.5
    signal = 0.01 * noise() + 10 ** (-excess_db / 20) * tones
    alone_db = masking_margins_db(signal, RATE_HZ, frequencies_hz)
    assert min(alone_db) > 0 and max(alone_db) < 1
    together_db = band_masking_margins_db(signal, RATE_HZ, frequencies_hz)
    assert max(together_db) - max(alone_db) > 2


def test_a_masked_tone_adds_nothing_to_its_band() -> None:
    """The noise lies 10 dB over the masked tone, 20 dB below the audible one."""
    signal = noise() + tone(4000, 0.001) + tone(4100, 1)
    masked_db, audible_db = masking_margins_db(signal, RATE_HZ, [4000, 4100])
    assert masked_db < -5 and audible_db > 10
    assert band_masking_margins_db(signal, RATE_HZ, [4000, 4100]) == [audible_db, audible_db]
    assert band_masking_margins_db(signal, RATE_HZ, [4000]) == [masked_db]


@pytest.mark.parametrize(
    ("frequencies_hz", "separate"),
    [
        ([500, 530], False),
        ([500, 540], True),
        ([1100, 1180], False),
        ([500, 530, 560], False),
        ([470, 510, 550], False),
    ],
)
def test_two_distant_tones_below_1_khz_are_heard_separately(frequencies_hz, separate) -> None:
    """At 500 Hz, from 21 * 10**(1.2 * lg(500 / 212)**1.8) = 33.5 Hz on."""
    signal = 0.01 * noise() + sum(tone(hz, 0.1) for hz in frequencies_hz)
    alone_db = max(masking_margins_db(signal, RATE_HZ, frequencies_hz))
    together_db = max(band_masking_margins_db(signal, RATE_HZ, frequencies_hz))
    expected_db = 0 if separate else 10 * np.log10(len(frequencies_hz))
    assert together_db - alone_db == pytest.approx(expected_db, abs=0.6)


@pytest.mark.parametrize("seconds", [1.5, 4, 16])
@pytest.mark.parametrize("noise_rms", [0, 1e-9, 1e-7])
def test_in_silence_the_threshold_in_quiet_decides_whatever_the_duration(
    seconds, noise_rms
) -> None:
    """Played at 70 dB SPL per unit RMS, the tone of -60 dB has 10 dB SPL."""
    signal = tone(4000, 1e-3, seconds) + noise_rms * noise(seconds, 1)
    expected_db = 10 - threshold_in_quiet_db_spl(4000)
    margin_db = masking_margin_db(signal, RATE_HZ, 4000, unit_rms_db_spl=70)
    assert margin_db == pytest.approx(expected_db, abs=0.02)
    assert masking_margin_db(signal, RATE_HZ, 4000) > expected_db + 20


def test_in_noise_the_masked_threshold_decides_if_it_is_the_higher_one() -> None:
    signal = noise() + tone(4000, 0.1)
    masked_db = masking_margin_db(signal, RATE_HZ, 4000)
    assert masking_margin_db(signal, RATE_HZ, 4000, unit_rms_db_spl=70) == masked_db
    assert masking_margin_db(signal, RATE_HZ, 4000, unit_rms_db_spl=0) < masked_db


@pytest.mark.parametrize(
    ("frequency_hz", "threshold_db_spl"),
    [(125, 22.1), (250, 11.4), (1000, 2.4), (4000, -5.4), (8000, 12.6), (10_000, 13.9)],
)
def test_the_threshold_in_quiet_is_near_that_of_iso_389_7(frequency_hz, threshold_db_spl) -> None:
    assert threshold_in_quiet_db_spl(frequency_hz) == pytest.approx(threshold_db_spl, abs=8)


def test_without_noise_and_playback_level_every_tone_is_audible() -> None:
    power = np.zeros(2000)
    power[500] = 1
    assert rate_tones(2.0, power, [1000.0]).margins_db.tolist() == [np.inf]
    assert np.isnan(rate_tones(2.0, power, [2000.0]).margins_db[0])
    assert rate_tones(2.0, power, [2000.0], unit_rms_db_spl=70).margins_db.tolist() == [-np.inf]


def test_tones_below_50_hz_are_not_rated() -> None:
    low_db, high_db = masking_margins_db(noise(), RATE_HZ, [49.9, 50])
    assert np.isnan(low_db) and np.isfinite(high_db)


@pytest.mark.parametrize(("frequency_hz", "defined"), [(3000, True), (3800, True), (4000, False)])
def test_the_margin_is_defined_if_three_quarters_of_the_band_are_below_nyquist(
    frequency_hz, defined
):
    signal = noise(rate_hz=8000) + tone(frequency_hz, 1, rate_hz=8000)
    assert np.isfinite(masking_margin_db(signal, 8000, frequency_hz)) == defined


def test_silence_has_no_margin_and_no_ratio() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(masking_margin_db(np.zeros((2, 44_100)), RATE_HZ, 4000))
        assert np.isnan(prominence_ratio_db(np.zeros((2, 44_100)), RATE_HZ, 4000))


def test_a_signal_too_short_for_an_averaged_spectrum_is_an_input_error() -> None:
    masking_margin_db(noise(1)[:, :28_672], RATE_HZ, 500)
    message = r"^signal: 28671 samples are too few for a masked threshold; use at least 28672$"
    with pytest.raises(InputError, match=message):
        masking_margin_db(noise(1)[:, :28_671], RATE_HZ, 500)


@pytest.mark.parametrize("frequency_hz", [1000, 4000, 7000])
@pytest.mark.parametrize("tone_to_band_db", [10, 20])
def test_the_prominence_ratio_compares_the_band_of_the_tone_with_its_neighbors(
    frequency_hz, tone_to_band_db
):
    """In white noise: tone plus band over the mean of the neighbor bands, by their widths."""
    f, width_hz = frequency_hz, critical_bandwidth_hz(frequency_hz)
    band_power = width_hz / (RATE_HZ / 2)
    signal = noise() + tone(f, np.sqrt(band_power * 10 ** (tone_to_band_db / 10)))
    low_hz, high_hz = critical_band_hz(f)
    # The neighbor bands are about as wide. Their outer edges follow the standard's formulas.
    if f <= 1600:
        lowest_hz = -149.5 + 1.001 * f - 6.9e-5 * f**2
        highest_hz = 149.5 + 1.035 * f + 7.7e-5 * f**2
    else:
        lowest_hz = 6.8 + 0.806 * f - 8.2e-6 * f**2
        highest_hz = 3.3 + 1.215 * f + 2.16e-5 * f**2
    beside = ((low_hz - lowest_hz) + (highest_hz - high_hz)) / 2 / width_hz
    assert beside == pytest.approx(1, abs=0.1)
    expected_db = 10 * np.log10((10 ** (tone_to_band_db / 10) + 1) / beside)
    assert prominence_ratio_db(signal, RATE_HZ, f) == pytest.approx(expected_db, abs=0.5)


def test_the_ratio_is_zero_where_no_tone_is_detected() -> None:
    signal = 0.1 * noise() + tone(1000, 0.1) + tone(4000, 1)
    at_1000, at_4000, at_2000, beside = prominence_ratios_db(
        signal, RATE_HZ, [1000, 4000, 2000, 4003]
    )
    assert 9 < at_1000 < at_4000 - 10
    assert at_2000 == 0
    assert beside == 0
    assert prominence_ratios_db(noise(), RATE_HZ, [1000, 3000, 5000]) == [0, 0, 0]


def test_the_ratio_does_not_depend_on_the_level() -> None:
    signal = noise() + tone(4000, 1)
    loud_db = prominence_ratio_db(signal, RATE_HZ, 4000)
    assert prominence_ratio_db(1e-7 * signal, RATE_HZ, 4000) == pytest.approx(loud_db, abs=0.01)


@pytest.mark.parametrize(
    ("frequency_hz", "rate_hz", "defined"),
    [
        (200, 44_100, False),
        (500, 44_100, True),
        (8000, 44_100, True),
        (8200, 44_100, False),
        (11_025, 44_100, False),
        (22_050, 44_100, False),
        (2000, 8000, True),
        (3500, 8000, False),
        (1500, 4000, True),
        (1580, 3900, False),
    ],
)
def test_the_ratio_is_defined_if_all_three_bands_are_in_range(frequency_hz, rate_hz, defined):
    signal = noise(2, rate_hz=rate_hz) + tone(frequency_hz, 1, 2, rate_hz)
    ratio_db = prominence_ratio_db(signal, rate_hz, frequency_hz)
    assert (ratio_db > 9) if defined else np.isnan(ratio_db)
