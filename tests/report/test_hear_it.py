"""The section in which the tones can be heard: words, gain, sounds and pictures."""

import base64
import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.probes.tone_seconds import COLUMNS
from upsampling_artifacts.report.hear_it import COLORS, hear_it

from ..looks import make_looks

RATE_HZ = 8000
LOOKS = make_looks("demucs_transposed", "demucs_nearest", "modified_transposed")
TONE = 0.001 * np.tile([1.0] * 4 + [-1.0] * 4, RATE_HZ // 8)  # at 1 kHz
SECONDS = np.array([TONE, 0.1 * TONE, 0 * TONE])  # audible, below threshold, silent


@pytest.fixture
def values(tmp_path: Path) -> dict:
    tones = [(-60.0, 10.0, 9.0), (-80.0, -10.0, -10.0), (-np.inf, -np.inf, -np.inf)]
    rows = [
        ("near_silence", "", "vocals", 1, 2.5, system, *tone)
        for system, tone in zip(LOOKS, tones, strict=True)
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "tones.csv", index=False)
    spectrograms = [spectrogram_db(second[None], RATE_HZ) for second in SECONDS]
    np.savez(
        tmp_path / "tones.npz",
        rate_hz=RATE_HZ,
        frequencies_hz=spectrograms[0][0],
        audio=SECONDS[None],
        level_db=np.array([[level_db for *_, level_db in spectrograms]], np.float16),
    )
    return hear_it(tmp_path / "tones.csv", tmp_path / "tones.npz", LOOKS, 1000.0)


def decode(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_a_system_without_a_tone_says_so(values: dict) -> None:
    (signal,) = values["signals"]
    assert signal["names"] == ["transposed", "nearest", "modified transposed"]
    assert signal["tones"] == [
        "tone −60 dB, 10 dB over threshold", "no audible tone: 10 dB below threshold",
        "exactly silent",
    ]  # fmt: skip
    assert (signal["audible"], signal["worst"]) == (["transposed convolution"], 0)
    place = {key: signal[key] for key in ("name", "song", "source", "channel", "start_seconds")}
    assert place == {
        "name": "near-silence", "song": "", "source": "vocals", "channel": 1, "start_seconds": 2.5,
    }  # fmt: skip


def test_all_systems_get_the_stated_gain(values: dict) -> None:
    (signal,) = values["signals"]
    sounds = [soundfile.read(io.BytesIO(decode(uri)))[0] for uri in signal["sounds"]]
    # The loudest has a peak of -60 dB; it may reach -12 dB, and music is at -20 dB.
    assert signal["gain"] == "+68 dB"
    middle = slice(RATE_HZ // 10, -RATE_HZ // 10)
    for sound, second in zip(sounds, SECONDS, strict=True):
        expected = second * 10 ** ((68 - 20) / 20)
        np.testing.assert_allclose(sound[middle], expected[middle], rtol=0, atol=2**-15)
        assert (sound[0], sound[-1]) == (0, 0)  # faded


def test_pictures_share_one_scale_and_show_the_tone_at_its_height(values: dict) -> None:
    (signal,) = values["signals"]
    loud, quiet, silent = (
        matplotlib.image.imread(io.BytesIO(decode(uri)), "png")[..., :3].sum(axis=2)
        for uri in signal["pictures"]
    )
    assert values["tone_height"] == 25
    height = len(loud)
    assert height <= 86
    for picture in (loud, quiet):
        assert picture.max(axis=1).argmax() == pytest.approx(0.75 * height, abs=1)  # from above
    assert loud.max() > quiet.max() > silent.max() == silent.min()
    assert len(np.unique(loud)) <= COLORS
