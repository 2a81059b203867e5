"""Networks trained briefly with each loss: the same runs as elsewhere, and lines of known level."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from upsampling_artifacts.probes import loss_study
from upsampling_artifacts.probes.loss_study import output_lines, study_losses
from upsampling_artifacts.probes.loss_summary import summarize_outputs
from upsampling_artifacts.probes.measures_table import LOSS_OUTPUT_COLUMNS
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

RATE_HZ = 8000
SYSTEMS = {
    name: {
        "architecture": "demucs",
        "options": {"channels": 4, "depth": 2},
        "upsampler": {"name": name, "length": 8},
    }
    for name in ("transposed", "nearest")
}
OPTIONS = TrainingOptions(
    epochs=1, batch_size=2, segment_seconds=0.256, stride_seconds=0.5, shift_seconds=0.1,
    remix_group=2, learning_rate=0.003, validate_every_epochs=1, accelerator="cpu",
    precision="32-true",
)  # fmt: skip


class Hum(nn.Module):
    """Adds a tone at rate / 4 of RMS 0.01 to two sources."""

    def forward(self, mixture: Tensor) -> Tensor:
        period = 0.01 * torch.tensor([1.0, 1.0, -1.0, -1.0])
        tone = period.repeat(mixture.shape[-1] // 4)
        return torch.stack([mixture, mixture], dim=1) + tone


@pytest.fixture
def songs(cache_song: Callable[..., Path]) -> list[str]:
    stems = 0.05 * np.random.default_rng(0).standard_normal((2, 2, 2 * RATE_HZ))
    return [str(cache_song(name, stems, RATE_HZ)) for name in ("one", "two", "three")]


def test_the_lines_of_an_output_have_their_level() -> None:
    rows = pd.DataFrame(output_lines(Hum(), RATE_HZ), columns=LOSS_OUTPUT_COLUMNS[3:])
    levels = rows[rows["measure"] == "line_level"].set_index(["signal", "frequency_hz"])["value"]
    assert set(levels.index.get_level_values("frequency_hz")) == {500.0 * n for n in range(1, 9)}
    for signal in ("silence", "near_silence"):
        assert levels[signal, 2000.0] == pytest.approx(-40, abs=0.1)
        assert levels[signal, 500.0] < -90
    margins = rows[rows["measure"] == "audibility_margin"].set_index(["signal", "frequency_hz"])
    assert margins["value"]["silence", 2000.0] > 20
    assert margins["value"]["noise", 2000.0] < 0  # masked


def test_each_system_is_trained_with_each_loss(
    songs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def train_and_note(system: dict, options: TrainingOptions, *args: object, **kwargs: object):
        trained.append((system["upsampler"]["name"], options.loss["name"]))
        train(system, options, *args, **kwargs)

    monkeypatch.setattr(loss_study, "train", train_and_note)
    path = tmp_path / "outputs.csv"
    arguments = songs[:2], songs[2:], path
    study_losses(SYSTEMS, ["l1", "l2"], dict.fromkeys(SYSTEMS, OPTIONS), 3, *arguments)
    assert trained == [(name, loss) for name in SYSTEMS for loss in ("l1", "l2")]
    table = pd.read_csv(path)
    assert list(table.columns) == LOSS_OUTPUT_COLUMNS
    assert set(table["seed"]) == {3}
    by_run = table.groupby(["system", "loss"])["value"]
    assert len(by_run) == 4
    assert by_run.size().eq(3 * 2 * 8).all()
    assert by_run.sum().nunique() == 4  # every run has an output of its own


def test_a_run_is_that_of_ordinary_training(songs: list[str], tmp_path: Path) -> None:
    path = tmp_path / "outputs.csv"
    system = {"transposed": SYSTEMS["transposed"]}
    arguments = songs[:2], songs[2:], path
    study_losses(system, ["l1"], {"transposed": OPTIONS}, 5, *arguments)
    names = ("model.safetensors", "log.csv", "checkpoint.pt", "snapshots")
    paths = [tmp_path / name for name in names]
    train(SYSTEMS["transposed"], OPTIONS, 5, TrainingFiles(songs[:2], songs[2:], *paths))
    expected = output_lines(loss_study.load_model(paths[0])[0], RATE_HZ)
    levels = pd.read_csv(path)["value"].to_numpy()
    np.testing.assert_allclose(levels, [row[3] for row in expected], rtol=1e-4)


def test_losses_are_compared_with_the_first_seed_by_seed() -> None:
    """Seeds differ by 10 dB; the second loss is 1, 2 and 3 dB louder."""
    rows = [
        (system, loss, seed, "noise", 2000.0, "line_level", -50 + 10 * seed + louder * (seed + 1),
         "dB")
        for system in SYSTEMS
        for loss, louder in (("l1", 0), ("deep_features", 1), ("l2", 0))
        for seed in range(3)
    ]  # fmt: skip
    outputs = pd.DataFrame(rows, columns=LOSS_OUTPUT_COLUMNS)
    summary = summarize_outputs(outputs, ["l1", "deep_features", "l2"])
    assert len(summary) == 6
    row = summary[(summary["system"] == "nearest") & (summary["loss"] == "deep_features")].iloc[0]
    assert (row["mean"], row["change"], row["n_seeds"]) == (-38, 2, 3)
    # Four comparisons: each has 98.75 %. Student t with 2 degrees of freedom: 8.86.
    assert row["change_high"] == pytest.approx(2 + 8.8602 / np.sqrt(3), abs=1e-3)
    others = summary[summary["loss"] != "deep_features"]
    assert (others["change"] == 0).all()
