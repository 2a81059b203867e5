"""Each out-of-distribution sound has the properties of its name, and the table is correct."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.signal import hilbert
from upsampling_artifacts.data import out_of_distribution as module
from upsampling_artifacts.data.musdb18 import EXCERPT, read_song, song_path
from upsampling_artifacts.data.out_of_distribution import (
    SOUNDS,
    read_sound,
    write_out_of_distribution,
)
from upsampling_artifacts.data.sound_set import COLUMNS, LEVEL, YOURS, out_of_distribution
from upsampling_artifacts.data.speech import speech
from upsampling_artifacts.errors import InputError

pytest.importorskip("parselmouth", reason="has no wheel for this machine")

RATE_HZ, SECONDS = 44100, 6.0
SAMPLES = round(SECONDS * RATE_HZ)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out_of_distribution")
    write_out_of_distribution(folder, SECONDS, RATE_HZ)
    return folder


@pytest.fixture(scope="module")
def sounds(folder: Path) -> dict[str, np.ndarray]:
    return out_of_distribution(folder)


def density(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and the power at each, averaged over channels."""
    power = np.mean(np.abs(np.fft.rfft(signal.astype(float))) ** 2, axis=0)
    return np.fft.rfftfreq(signal.shape[-1], 1 / RATE_HZ), power


def test_all_sounds_have_two_channels_equal_length_and_rms_one(
    sounds: dict[str, np.ndarray],
) -> None:
    kinds = {sound.kind for sound in SOUNDS.values()}
    assert kinds == {"silence", "sine sweep", "impulses", "speech", "noise", "music"}
    assert list(sounds) == list(SOUNDS)
    for name, signal in sounds.items():
        assert signal.shape == (2, SAMPLES) and signal.dtype == np.float32
        if name not in ("silence", "impulses"):
            assert np.sqrt(np.mean(signal.astype(float) ** 2)) == pytest.approx(1, abs=0.01)
        assert np.abs(signal).max() * LEVEL <= 1  # no file clips


def test_the_table_describes_the_files(folder: Path) -> None:
    table = pd.read_csv(folder / "sounds.csv")
    assert list(table.columns) == COLUMNS
    assert sorted(table["file"]) == sorted(path.name for path in folder.glob("*.wav"))
    for row in table.itertuples():
        audio, rate_hz = soundfile.read(folder / row.file)
        assert (rate_hz, len(audio) / rate_hz, audio.shape[1]) == (row.rate_hz, row.seconds, 2)
        if row.name == "silence":
            assert row.level_db == -np.inf
        else:
            assert 10 * np.log10(np.mean(audio**2)) == pytest.approx(row.level_db, abs=0.01)
        assert len(row.licence) > 5 and len(row.origin) > 4
    licenses = dict(zip(table["name"], table["licence"], strict=True))
    assert licenses["music"] == "CC BY-NC-SA 3.0"  # according to stempeg and MUSDB18's song list


def test_silence_is_exactly_zero(sounds: dict[str, np.ndarray]) -> None:
    assert not sounds["silence"].any()


@pytest.mark.parametrize("name", ["linear_sweep", "logarithmic_sweep"])
def test_sweeps_cover_the_band_linearly_or_logarithmically(
    sounds: dict[str, np.ndarray], name: str
) -> None:
    left, right = sounds[name]
    np.testing.assert_array_equal(left, right)
    passed = np.linspace(0.1, 0.95, 18)
    phase = np.unwrap(np.angle(hilbert(left.astype(float))))
    at = np.round(passed * SAMPLES).astype(int)
    hertz = (phase[at + 400] - phase[at - 400]) / 800 * RATE_HZ / (2 * np.pi)
    nyquist = RATE_HZ / 2
    expected = nyquist * passed if name == "linear_sweep" else 20 * (nyquist / 20) ** passed
    np.testing.assert_allclose(hertz, expected, rtol=0.02, atol=2)
    # The sweep has no gap in the band.
    frequencies_hz, power = density(sounds[name])
    bands = np.geomspace(25, 21500, 40)
    energies = [power[(frequencies_hz >= low) & (frequencies_hz < high)].mean()
                for low, high in pairwise(bands)]  # fmt: skip
    slope_db = -3.01 if name == "logarithmic_sweep" else 0  # equal time per octave, or per hertz
    expected_db = slope_db * np.log2(bands[:-1] / 1000)
    measured_db = 10 * np.log10(energies)
    assert np.ptp(measured_db - expected_db) < 5


def test_impulses_are_isolated_and_hit_every_phase_of_a_stride(
    sounds: dict[str, np.ndarray],
) -> None:
    left, right = sounds["impulses"]
    np.testing.assert_array_equal(left, right)
    positions = np.flatnonzero(left)
    assert (left[positions] * LEVEL == 1).all()
    np.testing.assert_array_equal(np.diff(positions, prepend=0), 11025)
    assert len(positions) == 23
    for stride in (2, 4, 8, 16):
        assert len(set(positions % stride)) == stride


def test_white_noise_has_a_flat_spectrum(sounds: dict[str, np.ndarray]) -> None:
    _, power = density(sounds["white_noise"])
    bands_db = 10 * np.log10([band.mean() for band in np.array_split(power, 20)])
    assert np.ptp(bands_db) < 0.5
    assert abs(np.corrcoef(sounds["white_noise"])[0, 1]) < 0.01


def test_pink_noise_falls_by_three_decibels_per_octave(sounds: dict[str, np.ndarray]) -> None:
    frequencies_hz, power = density(sounds["pink_noise"])
    edges = 22050 / 2.0 ** np.arange(10)[::-1]  # nine octaves, from 43 Hz
    octaves = [(frequencies_hz >= low) & (frequencies_hz < high)
               for low, high in pairwise(edges)]  # fmt: skip
    density_db = 10 * np.log10([power[octave].mean() for octave in octaves])
    slope_db, offset_db = np.polyfit(np.arange(9), density_db, 1)
    assert slope_db == pytest.approx(-10 * np.log10(2), abs=0.1)
    assert np.abs(density_db - offset_db - slope_db * np.arange(9)).max() < 0.6
    assert power[frequencies_hz < 20].max() < 1e-6 * power.max()
    assert abs(np.corrcoef(sounds["pink_noise"])[0, 1]) < 0.05
    assert abs(np.corrcoef(sounds["pink_noise"][0], sounds["white_noise"][0])[0, 1]) < 0.05


def test_music_is_the_middle_of_the_decoded_excerpt(sounds: dict[str, np.ndarray]) -> None:
    mixture = read_song(song_path(Path(), "excerpt", EXCERPT), sources=[]).audio[0]
    first = (mixture.shape[-1] - SAMPLES) // 2
    middle = mixture[:, first : first + SAMPLES]
    np.testing.assert_allclose(sounds["music"], middle / middle.std(), atol=1e-4)


def test_the_speech_sound_is_the_synthesized_speech(sounds: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(sounds["speech"], speech(SECONDS, RATE_HZ, 2))


def test_another_process_writes_the_same_sounds(
    sounds: dict[str, np.ndarray], tmp_path: Path
) -> None:
    program = (
        "from upsampling_artifacts.data.out_of_distribution import *;"
        f"write_out_of_distribution({str(tmp_path)!r}, {SECONDS}, {RATE_HZ})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
    for name, signal in out_of_distribution(tmp_path).items():
        np.testing.assert_array_equal(signal, sounds[name], err_msg=name)


@pytest.mark.parametrize("rate_hz", [1000, 8000, 96000])
def test_sounds_can_have_any_rate_and_length(tmp_path: Path, rate_hz: int) -> None:
    write_out_of_distribution(tmp_path, 2.0, rate_hz)
    for name, signal in out_of_distribution(tmp_path).items():
        assert signal.shape == (2, 2 * rate_hz), name
        assert np.isfinite(signal).all() and np.abs(signal).max() * LEVEL <= 1, name


def write_sound(path: Path, audio: np.ndarray, rate_hz: int = 8000) -> Path:
    soundfile.write(path, audio, rate_hz, subtype="FLOAT")
    return path


def test_sounds_of_the_user_are_added_at_rms_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mono, stereo = 0.01 * rng.standard_normal(3 * 8000), 0.5 * rng.standard_normal((17000, 2))
    yours = {
        "mono": write_sound(tmp_path / "a.wav", mono),
        "stereo": write_sound(tmp_path / "b.flac.wav", stereo),
    }
    write_out_of_distribution(tmp_path / "set", 2.5, 8000, yours)
    sounds = out_of_distribution(tmp_path / "set")
    assert list(sounds) == [*SOUNDS, "mono", "stereo"]
    beginning = mono[:20000].astype(np.float32)
    for channel in sounds["mono"]:  # no longer than the others
        np.testing.assert_allclose(channel, beginning / beginning.std(), rtol=1e-4, atol=1e-3)
    assert sounds["stereo"].shape == (2, 17000)
    assert np.mean(sounds["stereo"] ** 2) == pytest.approx(1, rel=1e-4)
    table = pd.read_csv(tmp_path / "set/sounds.csv").set_index("name")
    assert table.loc[["mono", "stereo"], "kind"].tolist() == [YOURS] * 2
    assert table.loc["mono", "origin"] == str(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("audio", "rate_hz", "message"),
    [
        (np.ones(32000), 16000, "its rate is 16000 Hz, the experiment's is 8000 Hz; resample it"),
        (np.zeros(32000), 8000, "its first 2.5 s are silent; silence is probed anyway"),
        (np.ones((32000, 3)), 8000, "3 channels; use 1 or 2"),
        (np.ones(15999), 8000, "shorter than 2 s, too short to be measured"),
        (None, 8000, "no such file, or not audio that libsndfile reads"),
    ],
)
def test_a_sound_that_cannot_be_used_gets_one_line(
    tmp_path: Path, audio: np.ndarray | None, rate_hz: int, message: str
) -> None:
    path = tmp_path / "mine.wav"
    if audio is None:
        path.write_text("not audio")
    else:
        write_sound(path, audio, rate_hz)
    with pytest.raises(InputError) as error:
        read_sound(path, 2.5, 8000, 2)
    assert str(error.value) == f"probes.out_of_distribution: {path}: {message}"


def test_without_a_synthesizer_there_is_no_speech(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "can_speak", lambda: False)
    write_out_of_distribution(tmp_path, 2, 8000)
    assert list(out_of_distribution(tmp_path)) == [name for name in SOUNDS if name != "speech"]


def test_a_folder_without_the_sounds_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sounds.csv: no such file; create it with"):
        out_of_distribution(tmp_path / "elsewhere")
