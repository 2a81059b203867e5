"""Probes of trained variants, built from a seed or read from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.probes.measures_table import COLUMNS, MEASURES_COLUMNS
from upsampling_artifacts.probes.model_probe import probe_model
from upsampling_artifacts.probes.variants import probe_variant

RATE_HZ = 8000
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> Path:
    stems = 0.05 * np.random.default_rng(0).standard_normal((2, 2, 2 * RATE_HZ))
    return cache_song("song", stems, RATE_HZ)


def probed(folder: Path, song: Path, **changes: object) -> pd.DataFrame:
    arguments = {
        "system": SYSTEM,
        "name": "mine",
        "seed": 3,
        "model_path": None,
        "song": str(song),
        "segment_seconds": 0.256,
        "signal_seconds": 1.2,
        "csv_path": folder / "measures.csv",
        "arrays_path": folder / "spectrograms.npz",
    }
    probe_variant(**arguments | changes)
    return pd.read_csv(folder / "measures.csv")


def test_a_system_without_upsampling_layers_is_measured_at_the_others_tones(
    song: Path, tmp_path: Path
) -> None:
    sizes = {"n_fft": 256, "hop": 64, "hidden": 4, "max_bin": None}
    system = {"architecture": "open_unmix", "options": sizes, "upsampler": None}
    table = probed(tmp_path, song, system=system)
    lines = table[(table["measure"] == "line_prominence") & (table["layer"] == "output")]
    assert set(lines["frequency_hz"]) == {RATE_HZ / 4, RATE_HZ / 2}
    noise = lines[lines["signal"] == "noise"]["value"]
    assert (noise < 15).all()  # no layer makes a tone


def described(song: Path, seed: int) -> dict:
    return {**SYSTEM, "sources": read_cache(song).sources, "audio_channels": 2, "seed": seed}


def test_a_variant_is_probed_in_chunks_with_every_signal(song: Path, tmp_path: Path) -> None:
    table = probed(tmp_path, song)
    assert list(table.columns) == MEASURES_COLUMNS
    labels = table[["model", "seed", "stage"]].drop_duplicates().values.tolist()
    assert labels == [["mine", 3, "initialization"]]
    assert table["signal"].unique().tolist() == list(signals.NAMES)

    model = build_described(described(song, 3)).eval()
    music = signals.music(read_cache(song), 1.2)
    assert music.std() == pytest.approx(1.4, abs=0.1)  # two channels, re their mean
    result = probe_model(model, signals.test_signals(1.2, RATE_HZ, 2, music), RATE_HZ, chunk=2048)
    pd.testing.assert_frame_equal(table[COLUMNS], result.measures, rtol=1e-5)
    arrays = np.load(tmp_path / "spectrograms.npz")
    assert set(arrays.files) == set(result.arrays)
    assert arrays["tones_hz"].tolist() == [500 * k for k in range(1, 9)]
    np.testing.assert_array_equal(arrays["music_db"], result.arrays["music_db"])


def test_a_trained_model_is_read_from_its_file(song: Path, tmp_path: Path) -> None:
    about = described(song, 3)
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    initial = probed(tmp_path / "initial", song)
    trained = probed(tmp_path / "trained", song, model_path=path, seed=99)
    assert (trained["stage"] == "trained").all() and (trained["seed"] == 99).all()
    pd.testing.assert_frame_equal(trained[COLUMNS], initial[COLUMNS])
    other = probed(tmp_path / "other", song, seed=4)
    assert not other[COLUMNS].equals(initial[COLUMNS])


def test_a_transposed_convolution_makes_tones_from_silence_only_with_biases(
    song: Path, tmp_path: Path
) -> None:
    def silence_values(system: dict, measure: str) -> pd.Series:
        table = probed(tmp_path, song, system=system)
        chosen = (table["signal"] == "silence") & (table["measure"] == measure)
        chosen &= table["layer"] != "input"
        return table[chosen].set_index("frequency_hz")["value"]

    # Of the last layer; deeper tones are masked by the ends of the chunks.
    assert (silence_values(SYSTEM, "line_prominence")[[2000, 4000]] > 80).all()
    unbiased = SYSTEM | {"options": SYSTEM["options"] | {"bias": False}}
    for measure in ("line_level", "offset_level"):
        levels_db = silence_values(unbiased, measure)
        assert len(levels_db) and (levels_db == -np.inf).all()
    assert silence_values(unbiased, "line_prominence").isna().all()
