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
TONES = [(-60.0, 10.0, 9.0), (-80.0, -10.0, -10.0), (-np.inf, -np.inf, -np.inf)]
SECONDS = np.array([TONE, 0.1 * TONE, 0 * TONE])  # audible, below threshold, silent


@pytest.fixture
def values(tmp_path: Path) -> dict:
    rows = [
        ("near_silence", "", "vocals", 1, 2.5, "trained", system, *tone)
        for system, tone in zip(LOOKS, TONES, strict=True)
    ]
    return write_and_read(rows, SECONDS, tmp_path)


def write_and_read(rows: list[tuple], audio: np.ndarray, folder: Path) -> dict:
    pd.DataFrame(rows, columns=COLUMNS).to_csv(folder / "tones.csv", index=False)
    spectrograms = [spectrogram_db(second[None], RATE_HZ) for second in audio]
    np.savez(
        folder / "tones.npz",
        rate_hz=RATE_HZ,
        frequencies_hz=spectrograms[0][0],
        audio=audio,
        level_db=np.array([level_db for *_, level_db in spectrograms], np.float16),
    )
    return hear_it(folder / "tones.csv", folder / "tones.npz", LOOKS, 1000.0)


def heard(signal: dict) -> list[np.ndarray]:
    return [soundfile.read(io.BytesIO(decode(choice["sound"])))[0] for choice in signal["choices"]]


def decode(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_a_system_without_a_tone_says_so(values: dict) -> None:
    (signal,) = values["signals"]
    names = [choice["name"] for choice in signal["choices"]]
    assert names == ["transposed", "nearest", "modified transposed"]
    assert [choice["tone"] for choice in signal["choices"]] == [
        "tone −60 dB, 10 dB over threshold", "no audible tone: 10 dB below threshold",
        "exactly silent",
    ]  # fmt: skip
    assert (signal["audible"], signal["worst"]) == (["transposed convolution"], "transposed")
    place = {key: signal[key] for key in ("name", "song", "source", "channel", "start_seconds")}
    assert place == {
        "name": "near-silence", "song": "", "source": "vocals", "channel": 1, "start_seconds": 2.5,
    }  # fmt: skip


def test_all_systems_get_the_stated_gain(values: dict) -> None:
    (signal,) = values["signals"]
    # The loudest has a peak of -60 dB; it may reach -12 dB, and music is at -20 dB.
    assert signal["gain"] == "+68 dB"
    middle = slice(RATE_HZ // 10, -RATE_HZ // 10)
    for sound, second in zip(heard(signal), SECONDS, strict=True):
        expected = second * 10 ** ((68 - 20) / 20)
        np.testing.assert_allclose(sound[middle], expected[middle], rtol=0, atol=2**-15)
        assert (sound[0], sound[-1]) == (0, 0)  # faded


def test_pictures_share_one_scale_and_show_the_tone_at_its_height(values: dict) -> None:
    (signal,) = values["signals"]
    loud, quiet, silent = (
        matplotlib.image.imread(io.BytesIO(decode(choice["picture"])), "png")[..., :3].sum(axis=2)
        for choice in signal["choices"]
    )
    assert values["tone_height"] == 25
    height = len(loud)
    assert height <= 86
    for picture in (loud, quiet):
        assert picture.max(axis=1).argmax() == pytest.approx(0.75 * height, abs=1)  # from above
    assert loud.max() > quiet.max() > silent.max() == silent.min()
    assert len(np.unique(loud)) <= COLORS


def test_the_first_screen_compares_a_system_with_a_tone_and_one_without_before_and_after_training(
    tmp_path: Path,
) -> None:
    """In silence there is no tone; in near-silence, the second system is the first with one."""
    silent = (-np.inf,) * 3
    louder = (-40.0, 30.0, 29.0)  # 20 dB louder before training
    tones = {
        ("silence", "initialization"): [silent] * 3, ("silence", "trained"): [silent] * 3,
        ("near_silence", "initialization"): [louder, louder, silent],
        ("near_silence", "trained"): [TONES[1], TONES[0], silent],
    }  # fmt: skip
    rows = [
        (signal, "", "vocals", 1, 2.5, stage, system, *tone)
        for (signal, stage), by_system in tones.items()
        for system, tone in zip(LOOKS, by_system, strict=True)
    ]
    audio = np.array([0 * TONE] * 6 + [10 * TONE, 10 * TONE, 0 * TONE, 0.1 * TONE, TONE, 0 * TONE])
    values = write_and_read(rows, audio, tmp_path)
    first = values["first"]
    assert (first["name"], first["gain"]) == ("near-silence", "+48 dB")
    assert [(choice["name"], choice["stage"]) for choice in first["choices"]] == [
        ("nearest", "initialization"), ("nearest", "trained"),
        ("transposed", "initialization"), ("transposed", "trained"),
    ]  # fmt: skip
    peaks_db = [20 * np.log10(np.abs(sound).max()) for sound in heard(first)]
    np.testing.assert_allclose(peaks_db, [-12, -32, -12, -52], rtol=0, atol=0.1)
    # The section of the trained systems does not show what was before.
    assert [len(signal["choices"]) for signal in values["signals"]] == [3, 3]


def test_without_an_audible_tone_the_first_screen_has_nothing_to_hear(tmp_path: Path) -> None:
    rows = [
        ("silence", "", "vocals", 1, 2.5, stage, system, *TONES[1])
        for stage in ("initialization", "trained")
        for system in LOOKS
    ]
    assert write_and_read(rows, np.tile(0.1 * TONE, (6, 1)), tmp_path)["first"] is None
