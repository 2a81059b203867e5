"""Lines in audio files: a tone under music is found and explained, notes are not."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes.audio_file import (
    chance_of_round,
    coincidence,
    mains_hum,
    middle,
    products,
    read_audio,
    roundest_hz,
)
from upsampling_artifacts.probes.file_lines import find_file_lines

RATE_HZ = 44100
TONE_DB = -60.0


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Six seconds of a recorded song, -20 dB re full scale."""
    return 0.1 * excerpt_music(RATE_HZ, 2, 6.0)


def sine(frequency_hz: float, level_db: float, time: int, rate_hz: float = RATE_HZ) -> np.ndarray:
    """A sine with the given RMS level."""
    phase = 2 * np.pi * frequency_hz * np.arange(time) / rate_hz
    return 10 ** (level_db / 20) * np.sqrt(2) * np.sin(phase + 0.3)


def explain(signal: np.ndarray, rate_hz: float = RATE_HZ) -> pd.DataFrame:
    return find_file_lines(signal, rate_hz, rate_hz).table


def lines_with_stride(lines: pd.DataFrame) -> pd.DataFrame:
    return lines[lines["stride"].notna()]


def test_music_alone_has_no_stationary_line(music: np.ndarray) -> None:
    assert explain(music).empty


@pytest.mark.parametrize(
    ("frequency_hz", "stride", "multiple"),
    [(11025, 4, 1), (689.0625, 64, 1), (22050, 2, 1), (16537.5, 8, 3), (8820, 5, 1)],
)
def test_the_tone_of_an_upsampler_under_music_is_found_and_explained(
    music: np.ndarray, frequency_hz: float, stride: int, multiple: int
) -> None:
    level_db = TONE_DB if frequency_hz > 1000 else -30.0
    tone = sine(frequency_hz, level_db, music.shape[1])
    if frequency_hz == RATE_HZ / 2:  # the level of a sine depends on its phase here
        tone = 10 ** (level_db / 20) * np.resize([1.0, -1.0], music.shape[1])
    lines = explain(music + tone)
    assert len(lines) == 1
    line = lines.iloc[0]
    assert (line["stride"], line["multiple"], line["predicted_hz"]) == (
        stride, multiple, frequency_hz,
    )  # fmt: skip
    assert line["frequency_hz"] == pytest.approx(frequency_hz, abs=0.05)
    assert line["level_db"] == pytest.approx(level_db, abs=2)
    assert line["presence"] > 0.9
    assert line["chance"] < 3e-3


@pytest.mark.parametrize("frequency_hz", [5012.3, 11024.5, 11025.5])
def test_a_tone_at_another_frequency_is_found_but_not_explained(music, frequency_hz: float) -> None:
    lines = explain(music + sine(frequency_hz, -50, music.shape[1]))
    assert lines["frequency_hz"].to_numpy() == pytest.approx([frequency_hz], abs=0.05)
    assert lines_with_stride(lines).empty


def test_mains_hum_is_not_attributed_to_an_upsampler(music: np.ndarray) -> None:
    hum = sum(sine(50 * k, -30 - k, music.shape[1]) for k in (1, 2, 3, 5))
    lines = explain(music + hum)
    assert lines_with_stride(lines).empty
    assert {"3 x 50 Hz", "5 x 50 Hz"} <= set(lines["mains"])


def test_a_line_that_fits_both_mains_and_a_stride_names_both() -> None:
    rate_hz = 8000
    lines = explain(sine(250, -20, 3 * rate_hz, rate_hz)[None], rate_hz)
    assert list(lines["stride"]) == [32]
    assert list(lines["mains"]) == ["5 x 50 Hz"]


@pytest.mark.parametrize(
    ("upsampler", "has_tones"),
    [({"name": "transposed"}, True), ({"name": "nearest", "length": 9}, False)],
)
def test_an_untrained_demucs_has_lines_at_stride_4_only_if_transposed(
    music, upsampler: dict, has_tones: bool
) -> None:
    model = build_model(
        "demucs", {"channels": 8, "depth": 3}, upsampler,
        n_sources=4, audio_channels=2, seed=0,
    ).eval()  # fmt: skip
    with torch.inference_mode():
        stem = model(torch.from_numpy(music / music.std())[None])[0, 3].numpy()
    found = lines_with_stride(explain(stem / np.abs(stem).max()))
    assert (4 in set(found["stride"])) == has_tones
    assert len(found) >= 3 if has_tones else found.empty


def test_a_resampled_file_is_explained_at_the_rate_of_its_model() -> None:
    """A tone of stride 4 at 16 kHz fits no stride at 44.1 kHz."""
    signal = sine(4000, -20, 2 * RATE_HZ)[None]
    assert find_file_lines(signal, RATE_HZ).table["stride"].isna().all()
    assert list(find_file_lines(signal, RATE_HZ, 16000).table["stride"]) == [4]


def test_noise_alone_gives_an_empty_table_with_all_columns() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 2 * RATE_HZ))
    lines = explain(noise)
    assert lines.empty
    assert "chance" in lines


# coincidences


@pytest.mark.parametrize(
    ("frequency_hz", "rate_hz", "step_hz"),
    [(3000, 16000, 1000), (3500, 16000, 500), (3400, 16000, 100), (3450, 16000, 50),
     (3425, 16000, np.nan), (8000, 16000, np.nan), (11025, 44100, np.nan)],
)  # fmt: skip
def test_round_frequencies(frequency_hz: float, rate_hz: float, step_hz: float) -> None:
    np.testing.assert_equal(roundest_hz(frequency_hz + 0.01, rate_hz, 0.05), step_hz)


@pytest.mark.parametrize(
    ("stride", "rate_hz", "step_hz", "strides", "chance"),
    [
        (4, 16000, 1000, None, 1 / 7),  # 4 of 1, 2 ... 7 kHz
        (8, 16000, 1000, None, 3 / 7),  # 2, 4 and 6 kHz
        (16, 16000, 1000, None, 1),
        (3, 48000, 1000, None, 1 / 23),  # 16 of 1, 2 ... 23 kHz
        (16, 16000, 1000, [8, 16, 40], 1),
        (8, 16000, 1000, [5, 8, 16], 3 / 7),
    ],
)
def test_the_chance_of_equally_round_frequencies(
    stride: int, rate_hz: float, step_hz: float, strides: list[int] | None, chance: float
) -> None:
    assert chance_of_round(stride, rate_hz, step_hz, strides) == pytest.approx(chance)


@pytest.mark.parametrize("stride", [2, 3, 7, 12, 60, 64])
def test_the_smallest_stride_is_named(stride: int) -> None:
    found = coincidence(RATE_HZ / stride, RATE_HZ, 0.05)
    assert (found.stride, found.multiple) == (stride, 1)


def test_a_stride_that_unrelated_lines_often_fit_is_not_named() -> None:
    """Half of 0.3 n**2 fractions k / n below 1/2, each with 0.1 Hz, fill 1 % at n = 85."""
    assert coincidence(RATE_HZ / 83, RATE_HZ, 0.05) is not None
    assert coincidence(RATE_HZ / 127, RATE_HZ, 0.05) is None
    assert coincidence(RATE_HZ / 127, RATE_HZ, 0.05, strides=[127]).stride == 127


def test_the_products_of_a_model_begin_at_its_output() -> None:
    assert products([8, 5, 3], 4) == [4, 12, 60, 480]
    assert products([4, 2]) == [2, 8]
    assert products([], 256) == [256]
    for strides, hop in (([0, 2], 1), ([2], 0), ([2.5], 1)):
        with pytest.raises(InputError, match="is not a positive integer"):
            products(strides, hop)


def test_a_multiple_of_rate_over_stride_is_reduced() -> None:
    found = coincidence(3 * RATE_HZ / 8, RATE_HZ, 0.1)  # 6/16, 24/64
    assert (found.stride, found.multiple, found.predicted_hz) == (8, 3, 16537.5)


def test_the_tolerance_applies_on_both_sides_but_not_at_0_hz() -> None:
    for offset_hz, fits in ((0.49, True), (-0.49, True), (0.51, False), (-0.51, False)):
        assert (coincidence(11025 + offset_hz, RATE_HZ, 0.5) is not None) == fits
    assert coincidence(0.2, RATE_HZ, 0.5) is None  # 0 Hz is not a tone


def test_chance_is_the_share_of_random_lines_that_fit() -> None:
    """Lines at uniformly random frequencies."""
    tolerance_hz, n = 20.0, 40_000
    frequencies_hz = np.random.default_rng(0).uniform(0, RATE_HZ / 2, n)
    matches = [coincidence(frequency_hz, RATE_HZ, tolerance_hz) for frequency_hz in frequencies_hz]
    for stride in (2, 3, 4):
        share = np.mean([match is not None and match.stride <= stride for match in matches])
        chance = coincidence(RATE_HZ / stride, RATE_HZ, tolerance_hz).chance
        assert share == pytest.approx(chance, abs=4 * np.sqrt(chance / n))


@pytest.mark.parametrize(
    ("frequency_hz", "hum"),
    [(50, "1 x 50 Hz"), (59.9, "1 x 60 Hz"), (150.2, "3 x 50 Hz"), (180, "3 x 60 Hz"),
     (75, ""), (1050, ""), (0.05, ""), (11025, "")],
)  # fmt: skip
def test_low_harmonics_of_the_mains_are_named(frequency_hz: float, hum: str) -> None:
    assert mains_hum(frequency_hz, 0.1) == hum


# files


def test_an_audio_file_reads_back_unchanged(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).integers(-9000, 9000, (2, 8000)).astype(np.int16)
    soundfile.write(tmp_path / "sound.flac", sound.T, 8000)
    signal, rate_hz = read_audio(tmp_path / "sound.flac")
    assert rate_hz == 8000
    np.testing.assert_array_equal(np.round(signal * 2**15), sound)


def test_a_mono_file_is_logged(tmp_path: Path, caplog) -> None:
    path = tmp_path / "mono.wav"
    soundfile.write(path, np.ones(8000) / 2, 8000)
    with caplog.at_level(logging.INFO):
        assert read_audio(path)[0].shape == (1, 8000)
    assert caplog.messages == [f"{path}: mono"]


def wav(path: Path, samples: np.ndarray, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, 8000, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, ": no such file; give an audio file, or a model as "
         "package.module:factory"),
        (lambda path: path.mkdir() or path, ": no such file"),
        (lambda path: path.write_text("no sound") and path, ": not a readable audio file (Format "
         "not recognised.); convert it to wav or flac"),
        (lambda path: path.write_bytes(b"") or path, ": not a readable audio file ("),
        (lambda path: wav(path, np.ones(7900)), ": 0.99 s is too short to detect a stationary "
         "line; at least 1 s is needed"),
        (lambda path: wav(path, np.ones((0, 2))), ": 0.00 s is too short"),
        (lambda path: wav(path, np.zeros((8000, 2))), ": is silent throughout; "
         "choose a file with sound"),
        (lambda path: wav(path, np.full(8000, np.nan)), ": contains samples that are not "
         "finite numbers"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, make, message: str) -> None:
    path = make(tmp_path / "sound.wav")
    with pytest.raises(InputError) as caught:
        read_audio(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}{message}")


def test_the_middle_of_a_signal_has_at_most_the_requested_length() -> None:
    assert middle(np.arange(10)[None], 4).tolist() == [[3, 4, 5, 6]]
    assert middle(np.arange(10)[None], 20).shape == (1, 10)
