"""Synthesized speech has the pitch, formants and rhythm of human speech."""

import sys

import numpy as np
import pytest
from upsampling_artifacts.data import speech as module
from upsampling_artifacts.data.speech import speech
from upsampling_artifacts.errors import InputError

parselmouth = pytest.importorskip("parselmouth", reason="has no wheel for this machine")

RATE_HZ = 22050


def test_speech_has_the_pitch_and_formants_of_a_womans_voice() -> None:
    sound = parselmouth.Sound(speech(6, RATE_HZ, 1)[0], RATE_HZ)
    pitch = sound.to_pitch()
    hertz = pitch.selected_array["frequency"]
    voiced = pitch.xs()[hertz > 0]
    assert 0.3 < len(voiced) / len(hertz) < 0.9  # the rest: pauses and voiceless sounds
    assert 150 < np.median(hertz[hertz > 0]) < 280
    formants = sound.to_formant_burg(maximum_formant=5500)
    # Range of the mean formants of women's vowels: Peterson & Barney 1952, table II.
    for number, low, high in ((1, 310, 860), (2, 920, 2790), (3, 1960, 3310)):
        values = [formants.get_value_at_time(number, at) for at in voiced]
        assert low < np.nanmedian(values) < high
        assert np.nanpercentile(values, 90) / np.nanpercentile(values, 10) > 1.15  # they vary


def test_speech_has_syllables_and_pauses() -> None:
    envelope = np.abs(speech(6, RATE_HZ, 1)[0]).reshape(-1, 210).mean(axis=1)  # 105 per second
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean()))
    strongest_hz = np.fft.rfftfreq(len(envelope), 1 / 105)[spectrum.argmax()]
    assert 1 < strongest_hz < 8  # syllables have a rate of about 4 Hz (Houtgast & Steeneken 1985)
    assert 0.02 < np.mean(envelope < 0.01 * envelope.max()) < 0.3


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 2), (44100, 1)])
def test_speech_has_the_requested_length_and_channels_and_rms_one(
    rate_hz: int, channels: int
) -> None:
    signal = speech(2.5, rate_hz, channels)
    assert signal.shape == (channels, round(2.5 * rate_hz)) and signal.dtype == np.float32
    assert np.mean(signal.astype(float) ** 2) == pytest.approx(1, rel=1e-5)
    assert (signal == signal[0]).all()


def test_six_seconds_of_speech_are_available_and_reproducible() -> None:
    assert speech(6, RATE_HZ, 1).shape == (1, 6 * RATE_HZ)
    np.testing.assert_array_equal(speech(6, RATE_HZ, 1), speech(6, RATE_HZ, 1))


def test_a_missing_synthesizer_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    monkeypatch.setattr(module, "_synthesize_voice", module._synthesize_voice.__wrapped__)
    with pytest.raises(InputError, match=r"pip install praat-parselmouth$") as error:
        speech(2, RATE_HZ, 1)
    assert "\n" not in str(error.value)
