"""Probing: a model whose artifacts are known shows them, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from upsampling_artifacts.artifacts import signals
from upsampling_artifacts.artifacts.probing import (
    COLUMNS,
    gather_lines,
    probe_model,
    probe_variant,
)
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.models.saved import build_described, save_model

RATE_HZ = 8000
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}


def adds_a_tone(x: Tensor) -> Tensor:
    """A tone of RMS 0.01 at a quarter of the rate; its phase starts anew with every chunk."""
    tone = 0.01 * torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(x.shape[-1] // 4)
    return torch.stack([x + tone, x + tone], dim=1)


@pytest.fixture
def test_signals() -> dict[str, np.ndarray]:
    return {
        "silence": signals.silence(1, RATE_HZ, 2),
        "noise": signals.white_noise(1, RATE_HZ, 2),
    }


def test_a_tone_at_a_quarter_of_the_rate_is_found_and_none_elsewhere(test_signals) -> None:
    table, _ = probe_model(adds_a_tone, test_signals, RATE_HZ, chunk=2048)
    assert list(table.columns) == COLUMNS
    lines = table.set_index(["signal", "frequency_hz"])
    assert lines.index.tolist() == [
        ("silence", 2000), ("silence", 4000), ("noise", 2000), ("noise", 4000),
    ]  # fmt: skip
    assert lines.loc[("silence", 2000), "level_db"] == pytest.approx(-40, abs=0.05)
    assert lines.loc[("silence", 2000), "prominence_db"] > 80
    assert lines.loc[("silence", 4000), "level_db"] < -130
    assert lines.loc[("noise", 4000), "prominence_db"] < 12


def test_a_model_without_artifacts_shows_none(test_signals: dict[str, np.ndarray]) -> None:
    table, _ = probe_model(lambda x: x[:, None], test_signals, RATE_HZ, chunk=2048)
    lines = table.set_index("signal")
    assert (lines.loc["silence", "level_db"] == -np.inf).all()
    assert lines.loc["silence", "prominence_db"].isna().all()
    assert (lines.loc["noise", "prominence_db"] < 12).all()


def test_spectrograms_of_all_signals_come_with_their_axes(test_signals) -> None:
    _, arrays = probe_model(adds_a_tone, test_signals, RATE_HZ, chunk=2048)
    assert set(arrays) == {"frequencies_hz", "times_seconds", "silence_db", "noise_db"}
    shape = len(arrays["frequencies_hz"]), len(arrays["times_seconds"])
    assert arrays["silence_db"].shape == arrays["noise_db"].shape == shape
    loudest = arrays["frequencies_hz"][arrays["silence_db"].argmax(axis=0)]
    np.testing.assert_allclose(loudest, 2000)
    assert arrays["silence_db"].max() == pytest.approx(-40, abs=0.1)


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> Path:
    stems = 0.05 * np.random.default_rng(0).standard_normal((2, 2, RATE_HZ))
    return cache_song("song", stems, RATE_HZ)


def probed(folder: Path, song: Path, **changes: object) -> pd.DataFrame:
    arguments = {
        "system": SYSTEM,
        "seed": 3,
        "model_path": None,
        "song": str(song),
        "segment_seconds": 0.256,
        "signal_seconds": 0.9,
        "csv_path": folder / "lines.csv",
        "arrays_path": folder / "spectrograms.npz",
    }
    probe_variant(**arguments | changes)
    return pd.read_csv(folder / "lines.csv")


def test_a_variant_is_probed_as_its_seed_makes_it_or_as_it_was_trained(
    song: Path, tmp_path: Path
) -> None:
    initial = probed(tmp_path / "initial", song)
    assert initial["signal"].unique().tolist() == ["silence", "noise", "music"]
    arrays = np.load(tmp_path / "initial" / "spectrograms.npz")
    assert {"silence_db", "noise_db", "music_db"} < set(arrays.files)

    about = {**SYSTEM, "sources": read_cache(song).sources, "audio_channels": 2, "seed": 3}
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    as_begun = probed(tmp_path / "begun", song, model_path=path, seed=99)
    pd.testing.assert_frame_equal(as_begun, initial)
    other_seed = probed(tmp_path / "other", song, seed=4)
    assert not other_seed.equals(initial)


def test_a_transposed_convolution_makes_tones_from_silence_and_its_modified_form_none(
    song: Path, tmp_path: Path
) -> None:
    usual = probed(tmp_path / "usual", song).set_index("signal")
    assert (usual.loc["silence", "prominence_db"] > 30).all()
    options = SYSTEM["options"] | {"bias": False}
    modified = probed(tmp_path / "modified", song, system=SYSTEM | {"options": options})
    silence = modified.set_index("signal").loc["silence"]
    assert (silence["level_db"] == -np.inf).all()
    assert silence["prominence_db"].isna().all()


def test_lines_of_many_probes_are_gathered_with_the_run_of_their_path(tmp_path: Path) -> None:
    paths = []
    for system, seed, state in (("a", 0, "initial"), ("a", 12, "trained"), ("b", 1, "initial")):
        path = tmp_path / system / f"seed-{seed}" / "probe" / f"{state}.csv"
        path.parent.mkdir(parents=True)
        rows = [("silence", 2000.0, -40.0 - seed, 50.0), ("noise", 2000.0, -np.inf, np.nan)]
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
        paths.append(str(path))
    gather_lines(paths, tmp_path / "lines.csv")
    table = pd.read_csv(tmp_path / "lines.csv")
    assert list(table.columns) == ["system", "seed", "state", *COLUMNS]
    assert table[["system", "seed", "state"]].drop_duplicates().values.tolist() == [
        ["a", 0, "initial"], ["a", 12, "trained"], ["b", 1, "initial"],
    ]  # fmt: skip
    assert table["level_db"].tolist() == [-40, -np.inf, -52, -np.inf, -41, -np.inf]
