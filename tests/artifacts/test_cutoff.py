"""Where a spectrum ends, in noise whose spectrum is known."""

import numpy as np
import pytest
from scipy.signal import resample_poly
from upsampling_artifacts.artifacts.cutoff import MIN_DROP_DB, PASS, STOP, original_rate_hz

RATE_HZ = 48000
SECONDS = 4
RATES_HZ = (16000, 22050, 24000, 32000)


def colored(gain_db) -> np.ndarray:
    """Noise whose spectrum has a gain in dB that is a function of frequency in Hz."""
    white = np.random.default_rng(0).standard_normal((1, SECONDS * RATE_HZ))
    hz = np.fft.rfftfreq(white.shape[-1], 1 / RATE_HZ)
    return np.fft.irfft(np.fft.rfft(white) * 10 ** (gain_db(hz) / 20))


def edge(frequency_hz: float, drop_db: float = 80.0) -> np.ndarray:
    return colored(lambda hz: np.where(hz > frequency_hz, -drop_db, 0.0))


@pytest.mark.parametrize("original_hz", RATES_HZ)
def test_a_resampled_sound_has_the_rate_it_came_from(original_hz: int) -> None:
    rng = np.random.default_rng(0)
    low = rng.standard_normal((1, SECONDS * original_hz))
    common = np.gcd(original_hz, RATE_HZ)
    high = resample_poly(low, RATE_HZ // common, original_hz // common, axis=-1)
    high += 1e-5 * rng.standard_normal(high.shape)
    assert original_rate_hz(high, RATE_HZ, RATES_HZ) == original_hz


@pytest.mark.parametrize(
    ("share", "is_found"),
    [(PASS[1] - 0.15, False), (PASS[1] + 0.02, True), (1.0, True), (STOP[0] - 0.02, True),
     (STOP[1] + 0.15, False)],
)  # fmt: skip
def test_the_edge_lies_between_the_bands_that_are_compared(share: float, is_found: bool) -> None:
    """They lie at 0.82 to 0.90 and 1.14 to 1.22 times the old Nyquist frequency, 12 kHz."""
    found = original_rate_hz(edge(share * 12000), RATE_HZ, [24000])
    assert found == (24000 if is_found else None)


@pytest.mark.parametrize(("more_db", "is_found"), [(-3, False), (3, True)])
def test_an_edge_is_as_high_as_the_threshold(more_db: float, is_found: bool) -> None:
    found = original_rate_hz(edge(12000, MIN_DROP_DB + more_db), RATE_HZ, [24000])
    assert (found is not None) == is_found


@pytest.mark.parametrize("db_per_octave", [0, 6, 12, 24])
def test_a_slope_in_octaves_is_no_edge(db_per_octave: float) -> None:
    """24 dB per octave fall by 11 dB from 0.86 to 1.18 times the old Nyquist frequency."""
    signal = colored(lambda hz: -db_per_octave * np.log2(np.maximum(hz, 50) / 50))
    assert original_rate_hz(signal, RATE_HZ, RATES_HZ) is None


@pytest.mark.parametrize("db", [40, 100, 160])
def test_a_straight_slope_is_no_edge_however_steep(db: float) -> None:
    """Over 0.32 of the old Nyquist frequency it falls four times as much as over 0.08 of it."""
    assert original_rate_hz(colored(lambda hz: -db * hz / 24000), RATE_HZ, RATES_HZ) is None


def test_a_gap_is_no_end() -> None:
    """Above it, the spectrum goes on."""
    gap = colored(lambda hz: np.where((hz > 12000) & (hz < 16000), -80.0, 0.0))
    assert original_rate_hz(gap, RATE_HZ, [24000]) is None


def test_what_lies_at_the_very_end_of_the_spectrum_does_not_count() -> None:
    """Converters leave noise in the last 3 % below the Nyquist frequency."""
    ends = colored(lambda hz: np.where((hz > 12000) & (hz < 23_500), -80.0, 0.0))
    assert original_rate_hz(ends, RATE_HZ, [24000]) == 24000


def test_rates_too_near_that_of_the_file_are_not_judged() -> None:
    assert original_rate_hz(edge(22050), RATE_HZ, [44100]) is None
    assert original_rate_hz(edge(12000)[:, :100], RATE_HZ, [24000]) is None
