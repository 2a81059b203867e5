"""Songs in MUSDB18's layouts are read exactly, and faulty ones are refused."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from upsampling_artifacts.data.cache import cache_song
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.layout import read_setup
from upsampling_artifacts.data.musdb18 import EXCERPT, Recording, read_song, song_path
from upsampling_artifacts.errors import InputError

SOURCES = ["drums", "bass", "other", "vocals"]
RATE_HZ = 22050


@pytest.fixture
def pcm() -> np.ndarray:
    """int16 ``(1 + sources, channels, time)``, different in every row."""
    return np.random.default_rng(0).integers(-8000, 8000, (5, 2, RATE_HZ // 2)).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path, pcm: np.ndarray) -> Path:
    """A song as a folder of wav files."""
    path = tmp_path / "Björk & Co. - 100% (Live)"
    path.mkdir()
    for name, samples in zip(["mixture", *SOURCES], pcm, strict=True):
        soundfile.write(path / f"{name}.wav", samples.T, RATE_HZ)
    return path


@pytest.fixture(scope="module")
def excerpt() -> Recording:
    return read_song(song_path(Path("no root"), "excerpt", EXCERPT), SOURCES)


def error_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((estimate - truth) ** 2) / np.mean(truth**2)))


def test_a_folder_of_wav_files_reads_back_exactly(folder: Path, pcm: np.ndarray) -> None:
    song = read_song(folder, SOURCES)
    assert (song.name, song.sources, song.rate_hz) == (folder.name, tuple(SOURCES), RATE_HZ)
    assert song.audio.dtype == np.float32
    np.testing.assert_array_equal(np.round(song.audio * 2**15), pcm)


def test_stems_come_in_the_requested_order(folder: Path, pcm: np.ndarray) -> None:
    song = read_song(folder, ["vocals", "drums"])
    np.testing.assert_array_equal(np.round(song.audio * 2**15), pcm[[0, 4, 1]])


def test_a_cached_song_has_the_samples_of_its_folder(folder: Path, pcm: np.ndarray) -> None:
    path = folder.parent / "cache" / f"{folder.name}.npy"
    pcm[0] = pcm[1:].sum(axis=0)
    soundfile.write(folder / "mixture.wav", pcm[0].T, RATE_HZ)
    cache_song(folder, path, SOURCES, RATE_HZ, allow_silent=False)
    song = read_cache(path)
    assert song.name == folder.name
    np.testing.assert_array_equal(song.stems, pcm[1:])


def test_the_real_excerpt_decodes_to_aligned_stems_that_sum_to_the_mixture(
    excerpt: Recording,
) -> None:
    assert excerpt.name == EXCERPT
    assert excerpt.rate_hz == 44100
    assert excerpt.audio.shape[:2] == (5, 2)
    assert 5.9 < excerpt.audio.shape[2] / excerpt.rate_hz < 6.5
    # AAC is lossy: the mixture is not exactly the sum of its stems, least of all at the cuts.
    mixture, *stems = excerpt.audio[..., 4410:-4410]
    errors_db = {lag: error_db(np.roll(sum(stems), lag, axis=-1), mixture) for lag in (-1, 0, 1)}
    assert errors_db[0] < -20
    assert errors_db[0] < min(errors_db[-1], errors_db[1]) - 5  # the streams are aligned
    for left_out in range(4):
        assert error_db(sum(stems) - stems[left_out], mixture) > errors_db[0] + 5


def test_a_songs_path_is_in_the_folder_of_its_split(tmp_path: Path) -> None:
    for split, folder in {"train": "train", "valid": "train", "test": "test"}.items():
        assert song_path(tmp_path, split, "A - B") == tmp_path / folder / "A - B"
    packed = tmp_path / "test" / "A - B.stem.mp4"
    packed.parent.mkdir()
    packed.touch()
    assert song_path(tmp_path, "test", "A - B") == packed


def test_the_excerpts_song_is_read_from_the_root_if_it_is_a_test_song(tmp_path: Path) -> None:
    assert song_path(tmp_path, "test", EXCERPT) == tmp_path / "test" / EXCERPT
    assert "stempeg" in song_path(tmp_path, "excerpt", EXCERPT).parts


def lose_a_stem(folder: Path) -> Path:
    (folder / "bass.wav").unlink()
    return folder / "bass.wav"


def lose_the_mixture(folder: Path) -> Path:
    (folder / "mixture.wav").unlink()
    return folder / "mixture.wav"


def make_mono(folder: Path) -> Path:
    soundfile.write(folder / "drums.wav", np.ones(RATE_HZ // 2) / 2, RATE_HZ)
    return folder / "drums.wav"


def shorten(folder: Path) -> Path:
    soundfile.write(folder / "other.wav", np.ones((RATE_HZ // 2 - 111, 2)) / 2, RATE_HZ)
    return folder / "other.wav"


def change_the_rate(folder: Path) -> Path:
    soundfile.write(folder / "vocals.wav", np.ones((RATE_HZ // 2, 2)) / 2, 2 * RATE_HZ)
    return folder / "vocals.wav"


def not_a_number(folder: Path) -> Path:
    audio = np.ones((RATE_HZ // 2, 2)) / 2
    audio[441, 1] = np.nan
    soundfile.write(folder / "drums.wav", audio, RATE_HZ, subtype="FLOAT")
    return folder / "drums.wav"


def infinite(folder: Path) -> Path:
    audio = np.ones((RATE_HZ // 2, 2)) / 2
    audio[-1, 0] = -np.inf
    soundfile.write(folder / "mixture.wav", audio, RATE_HZ, subtype="DOUBLE")
    return folder / "mixture.wav"


def make_no_wav(folder: Path) -> Path:
    (folder / "bass.wav").write_text("not music")
    return folder / "bass.wav"


def make_empty(folder: Path) -> Path:
    (folder / "bass.wav").write_bytes(b"")
    return folder / "bass.wav"


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lose_a_stem, "missing"),
        (lose_the_mixture, "missing"),
        (make_mono, r"1 channel\(s\), but stereo is required"),
        (shorten, "has 10914 samples, but the mixture has 11025; they may differ by 1 s or 1%;"),
        (change_the_rate, "44100 Hz, but the mixture has 22050 Hz"),
        (not_a_number, r"a sample at 0\.020 s is infinite or not a number; replace it"),
        (infinite, r"a sample at 0\.500 s is infinite or not a number; replace it"),
        (make_no_wav, "not a readable wav file"),
        (make_empty, "not a readable wav file"),
    ],
)
def test_a_faulty_song_is_an_input_error_that_names_the_file(
    folder: Path, damage: Callable[[Path], Path], what: str
) -> None:
    path = damage(folder)
    with pytest.raises(InputError, match=what) as error:
        read_song(folder, SOURCES)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_song_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^.*Nobody - Nothing: the song does not exist; .*$"):
        read_song(tmp_path / "Nobody - Nothing", SOURCES)


def test_a_silent_stem_is_an_input_error_unless_allowed(folder: Path) -> None:
    soundfile.write(folder / "vocals.wav", np.zeros((RATE_HZ // 2, 2)), RATE_HZ)
    with pytest.raises(InputError, match=r"vocals is silent, and museval cannot") as error:
        read_song(folder, SOURCES)
    assert str(error.value).startswith(f"{folder}: ")
    song = read_song(folder, SOURCES, allow_silent=True)
    assert not song.audio[4].any()


def test_a_folder_with_other_stems_is_read_in_its_own_layout(folder: Path, pcm: np.ndarray) -> None:
    (folder / "bass.wav").rename(folder / "piano.wav")
    song = read_song(folder, ["drums", "piano"], setup=read_setup("folder"))
    np.testing.assert_array_equal(np.round(song.audio * 2**15), pcm[:3])
    with pytest.raises(InputError, match=r"no stem 'bass'; sources can be: drums, other, piano"):
        read_song(folder, ["drums", "bass"], setup=read_setup("folder"))
    with pytest.raises(InputError, match=r"bass\.wav: missing"):  # MUSDB18 has one
        read_song(folder, ["drums", "vocals"])


def test_a_source_can_be_mixed_from_the_stems_of_wav_files_and_of_an_mp4(
    folder: Path, pcm: np.ndarray, excerpt: Recording
) -> None:
    song = read_song(folder, ["vocals", "accompaniment"])
    np.testing.assert_array_equal(np.round(song.audio[2] * 2**15), pcm[1:4].sum(axis=0))
    assert [path.stem for path in song.origins[2].files] == ["bass", "drums", "other"]
    packed = read_song(song_path(Path(), "excerpt", EXCERPT), ["accompaniment", "vocals"])
    np.testing.assert_allclose(packed.audio[1], excerpt.audio[1:4].sum(axis=0), atol=1e-6)
    np.testing.assert_array_equal(packed.audio[2], excerpt.audio[4])
    assert packed.residual_db == excerpt.residual_db


def test_weights_and_file_names_come_from_the_setup(folder: Path, pcm: np.ndarray) -> None:
    (folder / "bass.wav").rename(folder / "low.wav")
    setup = {
        "mixture": "mixture.wav",
        "sources": {"deep": "low.wav", "drums": "drums.wav"},
        "stem_ids": {},
        "targets": {"rhythm": {"deep": 0.5, "drums": -1}},
    }
    song = read_song(folder, ["rhythm", "deep"], setup=setup)
    expected = 0.5 * pcm[2] - pcm[1].astype(float)
    np.testing.assert_array_equal(song.audio[1] * 2**15, expected)
    np.testing.assert_array_equal(song.audio[2] * 2**15, pcm[2])


def test_the_residual_counts_all_stems_for_any_choice_of_sources(
    folder: Path, pcm: np.ndarray
) -> None:
    mixture = pcm[1:].sum(axis=0)
    soundfile.write(folder / "mixture.wav", mixture.T.astype(np.int16), RATE_HZ)
    assert read_song(folder, ["bass"]).residual_db == -np.inf
    disturbance = np.zeros_like(mixture)
    disturbance[:, ::2] = 80
    soundfile.write(folder / "mixture.wav", (mixture + disturbance).T.astype(np.int16), RATE_HZ)
    expected = error_db(mixture.astype(float), (mixture + disturbance).astype(float))
    assert read_song(folder, ["bass"]).residual_db == pytest.approx(expected, abs=1e-6)


def test_the_residual_of_the_real_excerpt_is_the_error_of_aac(excerpt: Recording) -> None:
    assert excerpt.residual_db == pytest.approx(-15.4, abs=0.1)  # its ends are worst
    assert not any(origin.trimmed_samples for origin in excerpt.origins)


def test_stems_are_trimmed_to_the_shortest_and_the_log_says_so(
    folder: Path, pcm: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    n = pcm.shape[2]
    soundfile.write(folder / "other.wav", pcm[3, :, :-100].T, RATE_HZ)
    soundfile.write(folder / "bass.wav", pcm[2, :, :-30].T, RATE_HZ)
    with caplog.at_level(logging.INFO):
        song = read_song(folder, SOURCES)
    np.testing.assert_array_equal(np.round(song.audio * 2**15), pcm[..., :-100])
    assert (
        f"{folder.name}: stems trimmed to the shortest, {n - 100} samples: mixture" in caplog.text
    )
    assert "bass by 70" in caplog.text and "other by" not in caplog.text
    assert [origin.trimmed_samples for origin in song.origins] == [100, 100, 70, 0, 100]
    assert [origin.samples for origin in song.origins] == [n, n, n - 30, n - 100, n]


@pytest.mark.parametrize("rate_hz", [8000, 22050, 48000, 96000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_wavs_of_any_rate_and_subtype_are_read_to_16_bits(
    folder: Path, pcm: np.ndarray, rate_hz: int, subtype: str
) -> None:
    for name, samples in zip(["mixture", *SOURCES], pcm, strict=True):
        audio = (samples.T + 0.25) / 2**15  # between two 16-bit values
        soundfile.write(folder / f"{name}.wav", audio, rate_hz, subtype=subtype)
    song = read_song(folder, SOURCES)
    assert song.rate_hz == rate_hz
    np.testing.assert_allclose(song.audio * 2**15, pcm, atol=1)


def test_a_damaged_mp4_is_an_input_error(tmp_path: Path) -> None:
    content = song_path(Path(), "excerpt", EXCERPT).read_bytes()
    path = tmp_path / "A song.stem.mp4"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"A song\.stem\.mp4: .*(not a readable|its header has)"):
        read_song(path, SOURCES)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(300_000) + content[middle + 300_000 :])
    with pytest.raises(InputError, match=r"A song\.stem\.mp4: .*"):
        read_song(path, SOURCES)


def test_a_stem_without_a_stream_in_the_mp4_is_an_input_error() -> None:
    setup = read_setup("musdb18")
    setup["sources"] = {**setup["sources"], "piano": "piano.wav"}
    setup["stem_ids"] = {**setup["stem_ids"], "piano": 5}
    with pytest.raises(InputError, match=r"has 5 audio streams, none of them for piano"):
        read_song(song_path(Path(), "excerpt", EXCERPT), ["piano"], setup=setup)


@pytest.mark.parametrize("missing", ["ffmpeg", "ffprobe"])
def test_without_ffmpeg_the_error_says_how_to_get_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in {"ffmpeg", "ffprobe"} - {missing}:
        (programs / program).write_text("#!/bin/sh\n")
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(InputError, match=rf"^{missing} is not on PATH.*`make`.*$"):
        read_song(folder, SOURCES)


@pytest.mark.parametrize("sources", [SOURCES, ["vocals"]])
def test_stems_of_another_song_are_refused_and_a_notable_residual_is_logged(
    folder: Path, pcm: np.ndarray, caplog: pytest.LogCaptureFixture, sources: list[str]
) -> None:
    def cache(mixture: np.ndarray) -> None:
        caplog.clear()
        soundfile.write(folder / "mixture.wav", mixture.T.astype(np.int16), RATE_HZ)
        with caplog.at_level(logging.INFO):
            cache_song(folder, folder.parent / f"{folder.name}.npy", sources, RATE_HZ, False)

    total = pcm[1:].sum(axis=0)
    cache(total)
    assert "do not add up" not in caplog.text
    cache(0.6 * total)  # at another level
    assert "do not add up to the mixture: the difference is -3.5 dB re" in caplog.text
    with pytest.raises(InputError, match=r"mixture minus stems is \+[0-9.]+ dB re the mixture"):
        cache(pcm[0])
    with pytest.raises(InputError, match=r"\+[0-9.]+ dB re the mixture"):
        cache(-total)
