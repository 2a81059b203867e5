"""Probes of snapshots measure what the probes of trained variants measure, step by step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from upsampling_artifacts.data.sound_set import COLUMNS as SOUND_COLUMNS
from upsampling_artifacts.data.sound_set import TABLE
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.probes.measures_table import COLUMNS, VARIANT_COLUMNS
from upsampling_artifacts.probes.snapshots import probe_snapshots
from upsampling_artifacts.probes.variants import probe_variant

RATE_HZ, SEGMENT_SECONDS, SECONDS = 8000, 0.256, 1.2
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 9, "implementation": "fused"},
}
ABOUT = {
    **SYSTEM,
    "sources": ["drums", "bass"],
    "audio_channels": 2,
    "rate_hz": RATE_HZ,
    "segment_seconds": SEGMENT_SECONDS,
    "precision": "bf16-mixed",
    "batch_size": 2,
}


def take(folder: Path, steps: list[int], system: dict = SYSTEM) -> Path:
    """Snapshots whose weights differ: those of seed ``step``."""
    for step in steps:
        about = {**ABOUT, **system, "seed": step, "step": step}
        path = folder / f"step-{step:07d}.safetensors"
        save_model(path, build_described(about).state_dict(), about)
    return folder


def probed(folder: Path) -> pd.DataFrame:
    probe_snapshots(folder, "mine", 3, SECONDS, folder.parent / "training.csv")
    return pd.read_csv(folder.parent / "training.csv")


def test_every_snapshot_has_the_rows_of_a_trained_variant(
    tmp_path: Path, cache_song: Callable[..., Path]
) -> None:
    """The levels and margins, in the arithmetic of separation: noise also in chunks."""
    table = probed(take(tmp_path / "snapshots", [2, 10]))
    assert list(table.columns) == VARIANT_COLUMNS
    labels = ["model", "seed", "stage", "layer", "arithmetic", "implementation", "precision"]
    assert table[labels].drop_duplicates().values.tolist() == [
        ["mine", 3, "training", "output", "separation", "fused", "32-true"]
    ]
    assert table["step"].unique().tolist() == [2, 10]
    song = cache_song("song", np.full((2, 2, 2 * RATE_HZ), 0.1), RATE_HZ)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    pd.DataFrame(columns=SOUND_COLUMNS).to_csv(sounds / TABLE, index=False)
    for step, snapshot in table.groupby("step"):
        probe_variant(
            SYSTEM, "mine", 3, str(tmp_path / f"snapshots/step-{step:07d}.safetensors"),
            [str(song)], [], sounds, SEGMENT_SECONDS, SECONDS, tmp_path / "trained.csv",
            tmp_path / "arrays.npz",
        )  # fmt: skip
        trained = pd.read_csv(tmp_path / "trained.csv")
        same = trained[
            (trained["arithmetic"] == "separation")
            & (trained["layer"] == "output")
            & trained["signal"].isin(["silence", "near_silence", "noise"])
            & trained["measure"].isin(snapshot["measure"])
            & trained["source"].notna()
        ]
        assert (same["step"] == step).all()
        key = ["source", "signal", "measure", "frequency_hz"]
        expected, found = (x.sort_values(key).reset_index(drop=True) for x in (same, snapshot))
        pd.testing.assert_frame_equal(found[COLUMNS], expected[COLUMNS], rtol=1e-5)


def test_a_tone_that_fades_is_measured_at_each_step(tmp_path: Path) -> None:
    """The tone from silence is that of the last layer's biases: it falls by 20 dB with them."""
    system = {"upsampler": {"name": "transposed", "length": 8}}
    folder = take(tmp_path / "snapshots", [0], system)
    about = {**ABOUT, **system, "seed": 0, "step": 1}
    model = build_described(about)
    last = [layer for layer in model.modules() if isinstance(layer, torch.nn.ConvTranspose1d)][-1]
    with torch.no_grad():
        last.weight *= 0.1
    save_model(folder / "step-0000001.safetensors", model.state_dict(), about)
    table = probed(folder)
    chosen = (table["signal"] == "silence") & (table["measure"] == "line_level")
    tones = table[chosen & (table["frequency_hz"] == RATE_HZ / 4)]
    levels_db = tones.pivot(index="source", columns="step", values="value")
    assert levels_db.index.tolist() == ["bass", "drums"]
    assert (levels_db[1] - levels_db[0]).tolist() == pytest.approx([-20, -20], abs=0.01)


def test_without_snapshots_there_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    table = probed(tmp_path / "snapshots")
    assert list(table.columns) == VARIANT_COLUMNS and table.empty
