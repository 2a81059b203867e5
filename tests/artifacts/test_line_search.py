"""Line detection: tones are detected, and noise, notes and sweeps are not."""

import warnings

import numpy as np
import pytest
from scipy.signal import iirpeak, lfilter
from scipy.stats import beta
from upsampling_artifacts.artifacts.line_search import chance_threshold_db, find_lines
from upsampling_artifacts.artifacts.spectra import line_window
from upsampling_artifacts.errors import InputError


def tone(frequency_hz: float, rms: float, rate_hz: int, seconds: float, phase=0.3) -> np.ndarray:
    n = np.arange(round(rate_hz * seconds))
    return rms * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz * n / rate_hz + phase)[None]


def noise(rate_hz: int, seconds: float, channels: int = 1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((channels, round(rate_hz * seconds)), np.float32)


@pytest.mark.parametrize(
    ("rate_hz", "seconds", "channels", "signals"),
    [
        (4000, 1, 1, 400),
        (8000, 1.5, 1, 400),
        (8000, 1.5, 8, 100),
        (44100, 1.5, 1, 100),
        (22050, 6, 1, 40),
        (8000, 60, 1, 10),
    ],
)
def test_white_noise_rarely_raises_a_false_alarm(rate_hz, seconds, channels, signals) -> None:
    """At most one signal in a hundred, as documented; one in four hundred is typical."""
    found = [
        find_lines(noise(rate_hz, seconds, channels, seed), rate_hz) for seed in range(signals)
    ]
    assert sum(map(bool, found)) <= signals // 100


def test_a_line_halfway_between_two_bins_is_one_line() -> None:
    """Of these periodic frames, both bins beside 601 Hz have the same power, bit for bit."""
    [line] = find_lines(tone(601, 1.0, rate_hz=16_000, seconds=1.5, phase=0), 16_000)
    assert line.frequency_hz == pytest.approx(601, abs=0.01)


def resonant_noise(rate_hz: int, seconds: float, resonance_hz: float, q: float, seed: int):
    """White noise through a resonance, and a hundredth of its power without."""
    lead_in = rate_hz
    white = noise(rate_hz, seconds + 1, 2, seed).astype(np.float64)
    resonance = lfilter(*iirpeak(resonance_hz, q, fs=rate_hz), white[:1])
    return (resonance + 0.1 * white[1:])[:, lead_in:]


@pytest.mark.parametrize("seconds", [1, 1.5, 4])
@pytest.mark.parametrize("q", [20, 50])
def test_resonances_of_noise_rarely_raise_a_false_alarm(seconds, q) -> None:
    """At most one signal in a hundred; without a minimal steadiness of its own, one in eight.

    The 420 signals may well exceed a probability of 1 % by chance: they refute 2.5 %.
    """
    alarms = [
        bool(find_lines(resonant_noise(4000, seconds, resonance_hz, q, seed), 4000))
        for resonance_hz in (60, 100, 200, 400, 800, 1600)
        for seed in range(70)
    ]
    assert np.mean(alarms) <= 0.01
    assert beta.ppf(0.95, sum(alarms) + 1, len(alarms) - sum(alarms)) < 0.025


@pytest.mark.parametrize(("frequency_hz", "level_db"), [(1234.2, -20), (101.2, -12), (50.2, -6)])
def test_tones_that_barely_stand_out_are_detected_in_short_signals(frequency_hz, level_db) -> None:
    """The level is re the RMS of white noise up to 4 kHz; the lower the tone, the more it needs."""
    found = [
        [round(line.frequency_hz) for line in find_lines(signal, 8000)]
        for seed in range(20)
        for signal in [
            noise(8000, 1.5, seed=seed) + tone(frequency_hz, 10 ** (level_db / 20), 8000, 1.5)
        ]
    ]
    assert sum(round(frequency_hz) in lines for lines in found) >= 18


@pytest.mark.parametrize("rate_hz", [4000, 22050, 44100])
@pytest.mark.parametrize("seconds", [1, 1.5, 6])
@pytest.mark.parametrize("level_db", [0, -10])
def test_a_tone_in_noise_is_detected_with_its_frequency_and_level(
    rate_hz, seconds, level_db
) -> None:
    frequency_hz = 0.2137 * rate_hz
    signal = tone(frequency_hz, 10 ** (level_db / 20), rate_hz, seconds) + noise(
        rate_hz, seconds, 2
    )
    (line,) = find_lines(signal, rate_hz)
    assert line.frequency_hz == pytest.approx(frequency_hz, abs=0.5)
    assert line.level_db == pytest.approx(level_db, abs=1)
    assert line.prominence_db > chance_threshold_db(40, 40)
    assert line.presence == 1


def test_frequency_and_level_are_exact_without_noise() -> None:
    for frequency_hz in np.linspace(1000, 1002, 9):
        signal = tone(frequency_hz, 0.1, 8000, 1.5) + 1e-6 * noise(8000, 1.5)
        (line,) = find_lines(signal, 8000)
        assert line.frequency_hz == pytest.approx(frequency_hz, abs=0.03)
        assert line.level_db == pytest.approx(-20, abs=0.02)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100])
def test_a_tone_at_the_nyquist_frequency_is_detected(rate_hz) -> None:
    alternating = 0.1 * np.resize([1.0, -1.0], (1, 2 * rate_hz))
    (line,) = find_lines(alternating + 1e-3 * noise(rate_hz, 2), rate_hz)
    assert line.frequency_hz == pytest.approx(rate_hz / 2, abs=0.05)
    assert line.level_db == pytest.approx(-20, abs=0.1)


def test_a_tone_is_as_prominent_at_the_nyquist_frequency_as_elsewhere() -> None:
    prominences_db = []
    for seed in range(20):
        signal = noise(8000, 2, seed=seed) + tone(2000, 0.3, 8000, 2, seed)
        signal = signal + 0.3 * np.resize([1.0, -1.0], (1, 16_000))
        lines = sorted(find_lines(signal, 8000), key=lambda line: line.frequency_hz)
        prominences_db.append([line.prominence_db for line in lines])
    elsewhere_db, nyquist_db = np.mean(prominences_db, axis=0)
    assert nyquist_db == pytest.approx(elsewhere_db, abs=0.5)


def test_several_tones_are_listed_strongest_first() -> None:
    levels_db = {500: -30, 1500: -10, 2750: -20, 3900: -40}
    signal = 1e-4 * noise(8000, 2)
    for frequency_hz, level_db in levels_db.items():
        signal = signal + tone(frequency_hz, 10 ** (level_db / 20), 8000, 2)
    lines = find_lines(signal, 8000)
    assert [round(line.frequency_hz) for line in lines] == [1500, 2750, 500, 3900]
    assert [round(line.level_db) for line in lines] == [-10, -20, -30, -40]


def test_a_tone_in_one_channel_of_eight_is_detected() -> None:
    signal = 0.1 * noise(8000, 3, channels=8)
    signal[5] += tone(1234.5, 1, 8000, 3)[0]
    (line,) = find_lines(signal, 8000)
    assert line.frequency_hz == pytest.approx(1234.5, abs=0.05)
    assert line.level_db == pytest.approx(-9.03, abs=0.1)


@pytest.mark.parametrize("seconds", [4, 12])
def test_a_whistle_under_notes_is_the_only_line(seconds) -> None:
    """Each note is 20 dB louder than the whistle. Five pitches recur throughout."""
    rng, rate_hz = np.random.default_rng(3), 8000
    signal = 0.01 * noise(rate_hz, seconds) + tone(2000, 0.03, rate_hz, seconds)
    for voice in range(3):
        for begin in np.arange(0, seconds - 0.4, 0.4):
            pitch_hz = rng.choice([440, 550, 660, 880, 990])
            note = tone(pitch_hz, 0.3, rate_hz, 0.4, rng.uniform(0, 2 * np.pi))
            note *= np.exp(-5 * np.arange(note.shape[1]) / note.shape[1])
            first = round((begin + 0.13 * voice) * rate_hz)
            part = signal[:, first : first + note.shape[1]]
            part += note[:, : part.shape[1]]
    (line,) = find_lines(signal, rate_hz)
    assert line.frequency_hz == pytest.approx(2000, abs=0.05)
    assert line.level_db == pytest.approx(-30.5, abs=0.5)


def test_a_tone_is_a_line_if_present_most_of_the_time_but_not_half_of_it() -> None:
    signal = 0.1 * noise(8000, 6)
    half, most = signal.copy(), signal.copy()
    half[:, :24_000] += tone(1000, 0.3, 8000, 3)
    most[:, :42_000] += tone(1000, 0.3, 8000, 5.25)
    assert find_lines(half, 8000) == []
    (line,) = find_lines(most, 8000)
    assert 0.8 < line.presence < 0.95


@pytest.mark.parametrize("width_hz", [30, 400])
def test_narrow_band_noise_and_a_sweep_are_not_lines(width_hz) -> None:
    n = np.arange(8000 * 6)
    band = np.fft.rfft(noise(8000, 6))
    band[:, np.abs(np.fft.rfftfreq(len(n), 1 / 8000) - 1000) > width_hz / 2] = 0
    assert find_lines(np.fft.irfft(band) + 1e-3 * noise(8000, 6), 8000) == []
    sweep = np.sin(2 * np.pi * (500 + 10 * n / 8000) * n / 8000)[None]
    assert find_lines(sweep + 1e-3 * noise(8000, 6), 8000) == []


def test_a_dc_offset_is_not_a_line_and_masks_none() -> None:
    signal = 100 + tone(1000, 1e-3, 8000, 2) + 1e-5 * noise(8000, 2)
    (line,) = find_lines(signal, 8000)
    assert line.frequency_hz == pytest.approx(1000, abs=0.05)


def test_a_periodic_pattern_on_a_dc_offset_is_detected_in_float32() -> None:
    """Like the output of a network with biases for silence: lines at rate / 4 and rate / 2 only.

    The noise makes the signal aperiodic; its rounding errors lie 150 dB below the signal.
    """
    pattern = np.resize(np.float32([0.1001, 0.1, 0.1, 0.1]), (2, 2 * 44100))
    fading = (1 + 1e-7 * noise(44100, 2, 2)).astype(np.float32)
    lines = find_lines(pattern * fading, 44100)
    assert [round(line.frequency_hz) for line in lines] == [11025, 22050]
    # A pulse of 1e-4 every four samples has amplitude 1e-4 / 4 at each multiple of +-rate / 4.
    assert lines[0].level_db == pytest.approx(20 * np.log10(1e-4 / 2 / np.sqrt(2)), abs=0.1)
    assert lines[1].level_db == pytest.approx(20 * np.log10(1e-4 / 4), abs=0.1)
    assert find_lines(np.full((2, 44100), np.float32(0.1)), 44100) == []


@pytest.mark.parametrize(("below_db", "found"), [(-130, 1), (-160, 0)])
def test_a_tone_below_the_last_bit_of_float32_is_not_a_line(below_db: float, found: int) -> None:
    signal = 0.1 + tone(1000, 0.1 * 10 ** (below_db / 20), 8000, 2)
    assert len(find_lines(signal, 8000)) == found


def test_silent_frames_are_skipped() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_lines(np.zeros((2, 8000), np.float32), 8000) == []
        signal = tone(1000, 0.1, 8000, 4) + 1e-3 * noise(8000, 4)
        signal[:, :16_000] = 0
        (line,) = find_lines(signal, 8000)
    assert line.frequency_hz == pytest.approx(1000, abs=0.05)
    assert line.presence == 1


def test_the_threshold_decides_detection_and_presence() -> None:
    signal = tone(1000, 0.1, 8000, 3) + noise(8000, 3)
    (line,) = find_lines(signal, 8000)
    assert find_lines(signal, 8000, threshold_db=line.prominence_db + 0.1) == []
    (same,) = find_lines(signal, 8000, threshold_db=line.prominence_db - 0.1)
    assert same.frequency_hz == line.frequency_hz
    assert same.presence < line.presence


@pytest.mark.parametrize(
    ("seconds", "options", "message"),
    [
        (0.99, {}, "0.99 s are too short to detect lines; use at least 1 s"),
        (0.99, {"window_seconds": 0.2}, "0.99 s are too short to detect lines; use at least 1 s"),
        (
            1.5,
            {"window_seconds": 1},
            "1.50 s are too short to detect lines; use at least 2 s",
        ),
    ],
)
def test_a_signal_too_short_to_detect_lines_is_an_input_error(seconds, options, message) -> None:
    with pytest.raises(InputError, match=f"^signal: {message}$"):
        find_lines(noise(8000, seconds), 8000, **options)
    find_lines(noise(8000, 1), 8000)


@pytest.mark.parametrize(("distance_hz", "found"), [(18, [1000]), (32, [1000, 1032])])
def test_lines_closer_than_a_main_lobe_merge(distance_hz: float, found: list[int]) -> None:
    """Its half width is ten bins, 20 Hz; a weaker line is seen where it exceeds that lobe."""
    signal = tone(1000, 0.1, 8000, 3) + tone(1000 + distance_hz, 0.05, 8000, 3)
    lines = find_lines(signal + 1e-4 * noise(8000, 3), 8000)
    assert [round(line.frequency_hz) for line in lines] == found


def test_the_prominence_is_that_over_the_median_of_the_lower_quartile() -> None:
    """In many frames of white noise, three quarters exceed ``-ln(3/4)`` of the mean power."""
    signal = tone(1000, 1, 8000, 40) + noise(8000, 40)
    (line,) = find_lines(signal, 8000)
    window = line_window(4000)
    mean = 2 * np.sum(window**2) / window.sum() ** 2
    assert line.prominence_db == pytest.approx(-10 * np.log10(-np.log(3 / 4) * mean), abs=0.5)
