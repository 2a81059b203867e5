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
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    PLAYBACK_DB_SPL,
    VARIANT_COLUMNS,
)
from upsampling_artifacts.probes.model_probe import probe_model
from upsampling_artifacts.probes.variants import EDGE_SECONDS, probe_variant

RATE_HZ = 8000
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}

AS_VARIANT = {"unit_rms_db_spl": PLAYBACK_DB_SPL, "chance": True}
LABELS = ["model", "seed", "stage", "step", "arithmetic", "implementation", "precision"]


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
        "songs": [str(song)],
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
    chosen = (table["measure"] == "line_prominence") & (table["layer"] == "output")
    lines = table[chosen & (table["arithmetic"] == "separation")]
    assert set(lines["frequency_hz"]) == {RATE_HZ / 4, RATE_HZ / 2}
    noise = lines[lines["signal"] == "noise"]["value"]
    assert (noise < 15).all()  # no layer makes a tone


def described(song: Path, seed: int) -> dict:
    return {**SYSTEM, "sources": read_cache(song).sources, "audio_channels": 2, "seed": seed}


def test_a_variant_is_probed_with_every_signal(song: Path, tmp_path: Path) -> None:
    table = probed(tmp_path, song)
    assert list(table.columns) == VARIANT_COLUMNS
    assert table[LABELS].drop_duplicates().values.tolist() == [
        ["mine", 3, "initialization", 0, "separation", "-", "32-true"]
    ]
    assert table["signal"].unique().tolist() == [
        "silence", "near_silence", "noise", "sweep", "music",
    ]  # fmt: skip
    assert table["song"].dropna().unique().tolist() == ["song"]
    assert (table["signal"] == "music").equals(table["song"].notna())


def measured(table: pd.DataFrame, signal: str) -> pd.DataFrame:
    return table[table["signal"] == signal][COLUMNS].reset_index(drop=True)


@pytest.mark.parametrize("signal", ["noise", "music"])
def test_noise_and_music_are_processed_in_chunks_as_in_separation(
    song: Path, tmp_path: Path, signal: str
) -> None:
    table = probed(tmp_path, song)
    model = build_described(described(song, 3)).eval()
    music = signals.music(read_cache(song), 1.2)
    assert music.std() == pytest.approx(1.4, abs=0.1)  # two channels, re their mean
    fed = {signal: music if signal == "music" else signals.white_noise(1.2, RATE_HZ, 2)}
    result = probe_model(model, fed, RATE_HZ, chunk=2048, **AS_VARIANT)
    pd.testing.assert_frame_equal(measured(table, signal), result.measures, rtol=1e-5)
    arrays = np.load(tmp_path / "spectrograms.npz")
    assert arrays["tones_hz"].tolist() == [500 * k for k in range(1, 9)]
    np.testing.assert_array_equal(arrays[f"{signal}_db"], result.arrays[f"{signal}_db"])


def test_quiet_is_processed_in_one_piece_whose_ends_are_not_measured(
    song: Path, tmp_path: Path
) -> None:
    edge = round(EDGE_SECONDS * RATE_HZ)
    fed = {"near_silence": signals.near_silence(1.2 + 2 * EDGE_SECONDS, RATE_HZ, 2)}
    model = build_described(described(song, 3)).eval()
    result = probe_model(model, fed, RATE_HZ, edge=edge, **AS_VARIANT)
    table = probed(tmp_path, song)
    pd.testing.assert_frame_equal(measured(table, "near_silence"), result.measures, rtol=1e-5)


def test_every_song_is_probed(song: Path, cache_song: Callable[..., Path], tmp_path: Path) -> None:
    stems = 0.05 * np.random.default_rng(1).standard_normal((2, 2, 2 * RATE_HZ))
    other = cache_song("other", stems, RATE_HZ)
    table = probed(tmp_path, song, songs=[str(song), str(other)])
    music = table[table["signal"] == "music"]
    levels_db = music[music["measure"] == "line_level"].groupby("song")["value"].mean()
    assert levels_db.index.tolist() == ["other", "song"] and levels_db.nunique() == 2


REPORTED = {
    "silence": ["line_level", "audibility_margin"],
    "near_silence": ["line_level", "audibility_margin", "masking_margin"],
}


@pytest.mark.parametrize("signal", REPORTED)
def test_what_is_reported_of_quiet_does_not_depend_on_the_length_of_the_probe(
    song: Path, tmp_path: Path, signal: str
) -> None:
    """A prominence does: it grows with the length, and in silence it is re rounding errors."""
    figures = []
    for seconds in (2, 4, 8, 16):
        table = probed(tmp_path, song, signal_seconds=seconds)
        chosen = (table["signal"] == signal) & (table["layer"] == "output")
        chosen &= table["frequency_hz"] == RATE_HZ / 4
        values = table[chosen].set_index("measure")["value"]
        assert ("line_prominence" in values) == (signal != "silence")
        figures.append(values[REPORTED[signal]])
    spread_db = pd.concat(figures, axis=1).agg(np.ptp, axis=1)
    assert (spread_db < 1).all(), spread_db


def test_the_verdict_on_a_network_without_biases_comes_from_near_silence(
    song: Path, tmp_path: Path
) -> None:
    unbiased = SYSTEM | {"options": SYSTEM["options"] | {"bias": False}}
    table = probed(tmp_path, song, system=unbiased)
    chosen = (table["measure"] == "line_level") & (table["layer"] == "output")
    levels_db = table[chosen].set_index(["signal", "frequency_hz"])["value"]
    assert (levels_db["silence"] == -np.inf).all()
    assert np.isfinite(levels_db["near_silence"]).all()


def test_a_trained_model_is_read_from_its_file(song: Path, tmp_path: Path) -> None:
    about = described(song, 3)
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), {**about, "step": 41})
    initial = probed(tmp_path / "initial", song)
    trained = probed(tmp_path / "trained", song, model_path=path, seed=99)
    assert (trained["stage"] == "trained").all() and (trained["seed"] == 99).all()
    assert (trained["step"] == 41).all()
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

    assert (silence_values(SYSTEM, "line_level")[[2000, 4000]] > -60).all()
    unbiased = SYSTEM | {"options": SYSTEM["options"] | {"bias": False}}
    for measure in ("line_level", "offset_level"):
        levels_db = silence_values(unbiased, measure)
        assert len(levels_db) and (levels_db == -np.inf).all()


NEAREST = SYSTEM | {"upsampler": {"name": "nearest", "length": 9, "implementation": "fused"}}


def test_a_fused_layer_is_probed_as_it_runs_and_as_two_layers(song: Path, tmp_path: Path) -> None:
    about = described(song, 3) | NEAREST | {"precision": "bf16-mixed", "batch_size": 2}
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    table = probed(tmp_path, song, model_path=path)
    assert table[LABELS[4:]].drop_duplicates().values.tolist() == [
        ["separation", "fused", "32-true"],
        ["training", "fused", "bf16-mixed"],
        ["reference", "plain", "32-true"],
    ]
    noise = table[(table["signal"] == "noise") & (table["layer"] == "output")]
    offsets_db = noise[noise["measure"] == "offset_level"].set_index("arithmetic")["value"]
    assert offsets_db["separation"] == pytest.approx(offsets_db["reference"], abs=1e-3)
    assert abs(offsets_db["training"] - offsets_db["reference"]) > 1e-3  # bfloat16 rounds more
