"""Probes of whole systems: the measures of each seed, the spectrograms of the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes.measures_table import COLUMNS, MEASURES_COLUMNS
from upsampling_artifacts.probes.model_probe import probe_model, run
from upsampling_artifacts.probes.systems import probe_system

SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 3},
    "upsampler": {"name": "subpixel", "length": 3},
}
RATE_HZ = 8000
SHAPE = {"rate_hz": RATE_HZ, "n_sources": 3, "audio_channels": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("systems")
    probe_system(
        SYSTEM, "mine", [5, 2], SHAPE, signal_seconds=1.5, spectrogram_seconds=1.0,
        csv_path=folder / "measures.csv", arrays_path=folder / "spectrograms.npz",
    )  # fmt: skip
    return folder


def build(seed: int) -> object:
    return build_model(**SYSTEM, n_sources=3, audio_channels=2, seed=seed).eval()


def test_every_seed_is_probed_with_every_signal(folder: Path) -> None:
    table = pd.read_csv(folder / "measures.csv")
    assert list(table.columns) == MEASURES_COLUMNS
    assert set(table["model"]) == {"mine"} and set(table["stage"]) == {"initialization"}
    assert table["seed"].unique().tolist() == [5, 2]
    music = excerpt_music(RATE_HZ, 2, 1.5)
    test_signals = signals.test_signals(1.5, RATE_HZ, 2, music)
    for seed, rows in table.groupby("seed"):
        expected = probe_model(build(seed), test_signals, RATE_HZ).measures
        assert expected["signal"].unique().tolist() == list(signals.NAMES)
        pd.testing.assert_frame_equal(rows[COLUMNS].reset_index(drop=True), expected, rtol=1e-5)


def test_the_spectrograms_are_of_white_noise_and_of_the_first_seeds_output(
    folder: Path,
) -> None:
    arrays = np.load(folder / "spectrograms.npz")
    axes = {"frequencies_hz", "times_seconds", "noise_db"}
    assert set(arrays.files) == {
        "rate_hz",
        "tones_hz",
        "valleys_hz",
        *axes,
        *(f"input_{key}" for key in axes),
    }
    noise = signals.white_noise(1.0, RATE_HZ, 2)
    for prefix, signal in {"input_": noise, "": run(build(5), noise[None])[0]}.items():
        frequencies_hz, times_seconds, level_db = spectrogram_db(signal, RATE_HZ)
        np.testing.assert_array_equal(arrays[f"{prefix}frequencies_hz"], frequencies_hz)
        np.testing.assert_array_equal(arrays[f"{prefix}times_seconds"], times_seconds)
        np.testing.assert_allclose(arrays[f"{prefix}noise_db"], level_db, atol=0.1)


def test_a_system_without_upsampling_layers_has_no_marked_tones(tmp_path: Path) -> None:
    sizes = {"n_fft": 128, "hop": 32, "widths": [4], "slices": 2}
    system = {"architecture": "sams_net", "options": sizes, "upsampler": None}
    probe_system(
        system, "mine", [0], SHAPE, signal_seconds=1.5, spectrogram_seconds=1.0,
        csv_path=tmp_path / "measures.csv", arrays_path=tmp_path / "spectrograms.npz",
    )  # fmt: skip
    arrays = np.load(tmp_path / "spectrograms.npz")
    assert arrays["tones_hz"].size == arrays["valleys_hz"].size == 0
    measures = pd.read_csv(tmp_path / "measures.csv")["measure"]
    assert "flatness" in set(measures) and "line_level" not in set(measures)


def test_the_tones_of_the_last_two_layers_are_marked(folder: Path) -> None:
    """Of three layers x4; the marks of the third, at rate / 64, would fill the margin."""
    arrays = np.load(folder / "spectrograms.npz")
    assert arrays["rate_hz"] == RATE_HZ
    assert arrays["tones_hz"].tolist() == [500 * k for k in range(1, 9)]
    assert arrays["valleys_hz"].tolist() == [2000, 4000]
    table = pd.read_csv(folder / "measures.csv")
    measured = table[(table["measure"] == "line_level") & (table["seed"] == 5)]
    assert measured["frequency_hz"].nunique() == 32


def test_a_vocoder_can_be_probed(tmp_path: Path) -> None:
    """MelGAN's strides 8, 8, 2, 2: its last three layers put tones at multiples of rate / 32."""
    system = {
        "architecture": "melgan", "options": {"channels": 64}, "upsampler": {"name": "transposed"},
    }  # fmt: skip
    shape = {"rate_hz": 22050, "n_sources": 1, "audio_channels": 1}
    probe_system(
        system, "melgan", [0], shape, signal_seconds=1.0, spectrogram_seconds=1.0,
        csv_path=tmp_path / "measures.csv", arrays_path=tmp_path / "spectrograms.npz",
    )  # fmt: skip
    tones_hz = np.load(tmp_path / "spectrograms.npz")["tones_hz"]
    assert tones_hz.tolist() == [22050 / 32 * k for k in range(1, 17)]
    table = pd.read_csv(tmp_path / "measures.csv")
    tone = (table["measure"] == "line_prominence") & (table["frequency_hz"] == 5512.5)
    tone &= (table["signal"] == "silence") & (table["layer"] == "output")
    assert table[tone]["value"].item() > 30
