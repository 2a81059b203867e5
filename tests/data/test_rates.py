"""Rates with no large common divisor are refused before the filters fill the memory."""

from __future__ import annotations

import numpy as np
import pytest
from upsampling_artifacts.data.cache import resample_stems
from upsampling_artifacts.data.rates import check_resampling
from upsampling_artifacts.errors import InputError


@pytest.mark.parametrize(
    "rate_hz", [1000, 8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]
)
def test_usual_rates_are_accepted(rate_hz: int) -> None:
    for other in (8000, 44_100, 48_000):
        check_resampling("rate_hz", other, rate_hz)
        check_resampling("rate_hz", rate_hz, other)


@pytest.mark.parametrize("rate_hz", [44_101, 48_001, 22_051])
def test_odd_rates_are_refused_unless_nothing_is_resampled(rate_hz: int) -> None:
    audio = np.zeros((1, 2, 10), np.float32)
    with pytest.raises(InputError, match=f"^rate_hz: audio of 44100 Hz .* to {rate_hz} Hz"):
        resample_stems(audio, 44_100, rate_hz)
    assert resample_stems(audio, rate_hz, rate_hz) is audio
