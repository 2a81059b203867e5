"""The plan agrees with independent counts: by hand, by the data set, by the paper."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.models.flops import (
    build_on_meta,
    network_size,
    tflop_per_second_of_audio,
)
from upsampling_artifacts.models.network_size import NetworkSize
from upsampling_artifacts.pipeline.plan_text import plan_text
from upsampling_artifacts.pipeline.planning import (
    Experiment,
    cache_bytes,
    cache_room,
    run_cost,
    scoring_memory_mb,
    steps_per_epoch,
    storage_bytes,
)

from ..conftest import CacheSong

TRAINING = {
    "epochs": 600,
    "minutes": None,
    "batch_size": 32,
    "segment_seconds": 10.0,
    "stride_seconds": 1.0,
    "shift_seconds": 1.0,
    "devices": 1,
    "n_snapshots": 4,
    "precision": "auto",
}
MUSDB18 = {split: [240.0] * n for split, n in (("train", 86), ("valid", 14), ("test", 50))}


@cache
def demucs(name: str, length: int, **options: str) -> NetworkSize:
    """The full-size network with an upsampler."""
    system = {
        "architecture": "demucs",
        "options": {"channels": 100, "depth": 6},
        "upsampler": {"name": name, "length": length, **options},
    }
    return network_size(build_on_meta(system, 4, 2), 44100, audio_channels=2)


@pytest.fixture
def paper() -> Experiment:
    """Return an experiment with two of the paper's systems and three seeds."""
    systems = {"transposed": demucs("transposed", 8), "nearest": demucs("nearest", 9)}
    return Experiment(
        name="paper",
        systems=systems,
        training=dict.fromkeys(systems, TRAINING),
        n_seeds=3,
        n_baselines=2,
        song_seconds=MUSDB18,
        sources=["drums", "bass", "other", "vocals"],
        rate_hz=44100,
        n_shifts=0,
        processes=8,
        tflop_per_second=16,
        signal_seconds=4,
        variants=list(systems),
        study={},
        n_losses=5,
    )


def test_the_flops_of_a_convolution_match_a_count_by_hand() -> None:
    with torch.device("meta"):
        layer = nn.Conv1d(2, 5, 7, padding=3)
    assert tflop_per_second_of_audio(layer, 1000) * 1e12 == 2 * 2 * 5 * 7 * 1000


@pytest.mark.parametrize(
    ("name", "options", "tflop"),
    [
        ("transposed", {}, 32.5),
        ("nearest", {"implementation": "plain"}, 47.8),
        ("nearest", {}, 34.7),
        ("linear", {}, 34.7),
    ],
)
def test_the_tflop_of_a_step_at_full_size_match_a_count_by_hand(
    paper: Experiment, name: str, options: dict, tflop: float
) -> None:
    """Expected values are from a count of multiplications, layer by layer."""
    network = demucs(name, 8 if name == "transposed" else 9, **options)
    one = replace(paper, systems={"one": network}, training={"one": TRAINING})
    assert run_cost(one, "one").step_tflop == pytest.approx(tflop, rel=0.05)


def test_the_training_time_matches_the_papers_epoch_of_319_s_on_four_gpus(
    paper: Experiment,
) -> None:
    cost = run_cost(paper, "transposed")
    assert cost.training_hours == pytest.approx(4 * 600 * 319 / 3600, rel=0.04)
    assert cost.parameters == 703_148_208
    twice = run_cost(replace(paper, tflop_per_second=32), "transposed")
    assert twice.training_hours == cost.training_hours / 2


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_steps_of_an_epoch_match_the_training_data(
    cache_song: CacheSong, batch_size: int
) -> None:
    lengths = [7.0, 9.35]
    options = {"segment_seconds": 1.5, "stride_seconds": 0.7, "batch_size": batch_size}
    songs = [
        read_cache(cache_song(f"song {seconds}", np.ones((2, 2, round(1000 * seconds)))))
        for seconds in lengths
    ]
    batches = TrainingBatches(songs, 1.5, 0.7, 1.0, batch_size, 1, seed=0)
    assert steps_per_epoch(lengths, 1000, TRAINING | options) == batches.steps_per_epoch > 2


def test_storage_is_the_size_of_samples_and_weights(paper: Experiment) -> None:
    costs = {name: run_cost(paper, name) for name in paper.systems}
    sizes = {kind.split(":")[0]: size / 1e9 for kind, size in storage_bytes(paper, costs).items()}
    assert sizes["cache"] == pytest.approx(36000 * 44100 * 2 * 5 * 2 / 1e9)
    assert sizes["estimates"] == pytest.approx(12000 * 44100 * 2 * 4 * 4 / 1e9 * (2 * 3 + 2))
    assert sizes["models"] == pytest.approx(3 * 4 * (0.7031 + 0.7100), rel=1e-3)
    assert sizes["snapshots"] == pytest.approx(4 * sizes["models"])
    assert sizes["checkpoints, if all train at once"] == pytest.approx(4 * sizes["models"])


def test_a_cache_is_refused_only_if_it_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    needed = cache_bytes([240.0] * 150, 44100, 4)
    assert needed == pytest.approx(31.75e9, rel=1e-3)
    later = tmp_path / "results" / "missing"
    line, fits = cache_room(1e6, 3, later)
    free = shutil.disk_usage(tmp_path).free
    assert fits and line.startswith("cache: 0.001 GB for 3 songs; ") and f"in {later}" in line
    line, fits = cache_room(free + 1e12, 150, later)
    assert not fits and "it does not fit; free space" in line and "\n" not in line


def test_the_memory_of_scoring_covers_measured_values() -> None:
    for seconds, gigabytes in ((30, 0.8), (240, 4.4)):
        assert gigabytes < scoring_memory_mb([1, seconds], 44100, 1) / 1000 < 2.5 * gigabytes
    songs = [240.0] * 3 + [120.0]
    four = scoring_memory_mb(songs, 44100, 4)
    assert four - scoring_memory_mb(songs, 44100, 1) > 2.5 * 4400
    assert scoring_memory_mb([*songs, 10.0], 44100, 4) == four  # only the longest four count


def test_the_plan_lists_every_variant_and_its_resources(paper: Experiment) -> None:
    text = plan_text(paper)
    assert "2 systems x 3 seeds; 150 songs (86 train, 14 valid, 50 test), 10.0 hours" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["train"][1:4] == ["6", "1", "GPU"]
    assert rows["cache"][1:4] == ["150", "1", "CPU"]
    assert rows["probe"][1:4] == ["12", "1", "CPU"]
    assert rows["probe_snapshots"][1:4] == ["6", "1", "CPU"]
    assert rows["score"][1:4] == ["8", "8", "CPU"]
    assert rows["transposed"][1] == "703.1M"
    total = 3 * sum(float(rows[name][-2]) for name in paper.systems)
    assert float(rows["train"][-2].replace(",", "")) == pytest.approx(total, rel=1e-2)
    assert {rows[name][-1] for name in ("train", *paper.systems)} == {"h"}


def test_the_plan_states_the_precision_of_training(paper: Experiment) -> None:
    (auto,) = [line for line in plan_text(paper).splitlines() if line.startswith("precision")]
    assert "bf16-mixed on GPUs from Ampere on, 32-true elsewhere" in auto
    training = dict(paper.training) | {"nearest": TRAINING | {"precision": "32-true"}}
    text = plan_text(replace(paper, training=training))
    assert "precision: 32-true (nearest)" in text and "(transposed)" in text


def test_times_are_in_the_unit_that_a_reader_expects(paper: Experiment) -> None:
    """A song of a second takes 0.02 s to cache, one of a thousand 20 s, 16 of them 5.33 min."""
    songs = {"train": [1.0, *[1000.0] * 16], "valid": [1.0], "test": [1.0]}
    row = next(
        line for line in plan_text(replace(paper, song_seconds=songs)).splitlines()
        if line.startswith("cache")
    )  # fmt: skip
    assert row.split()[4:] == ["<", "0.1", "s", "to", "20", "s", "5.33", "min"]


def test_without_snapshots_there_is_nothing_to_store_and_to_probe(paper: Experiment) -> None:
    none = replace(paper, training=dict.fromkeys(paper.systems, TRAINING | {"n_snapshots": 0}))
    costs = {name: run_cost(none, name) for name in none.systems}
    assert storage_bytes(none, costs)["snapshots: float32"] == 0
    assert "probe_snapshots" not in plan_text(none)


def test_a_run_has_no_more_snapshots_than_steps(paper: Experiment) -> None:
    short = replace(
        paper,
        training=dict.fromkeys(paper.systems, TRAINING | {"epochs": 1}),
        song_seconds={**MUSDB18, "train": [240.0]},
    )
    assert run_cost(paper, "nearest").snapshots == 4
    many = replace(
        short, training=dict.fromkeys(paper.systems, TRAINING | {"epochs": 1, "n_snapshots": 99})
    )
    assert run_cost(many, "nearest").snapshots == run_cost(many, "nearest").steps == 7


def test_several_gpus_divide_the_hours_of_a_training_run(paper: Experiment) -> None:
    four = replace(paper, training=dict.fromkeys(paper.systems, TRAINING | {"devices": 4}))
    one_cost, four_cost = run_cost(paper, "nearest"), run_cost(four, "nearest")
    assert four_cost.training_hours == one_cost.training_hours / 4
    assert four_cost.gpu_hours == one_cost.gpu_hours
    assert "4 GPU" in plan_text(four)


def test_training_minutes_limit_the_hours_of_a_training_run(paper: Experiment) -> None:
    for minutes, hours in ((90, 1.5), (1e6, run_cost(paper, "nearest").training_hours)):
        timed = replace(
            paper, training=dict.fromkeys(paper.systems, TRAINING | {"minutes": minutes})
        )
        assert run_cost(timed, "nearest").training_hours == hours


def test_the_hours_of_a_probe_match_a_measurement(paper: Experiment) -> None:
    """Measured: 111 CPU s (140 s on two busy cores) for nearest, 5 signals of 4 s, 10 s chunks."""
    assert 3600 * run_cost(paper, "nearest").signal_hours == pytest.approx(111 / 5, rel=0.1)


def test_the_study_of_losses_is_that_many_short_training_runs(paper: Experiment) -> None:
    """Two epochs instead of 600, with five losses."""
    study = {"nearest": TRAINING | {"epochs": 2}}
    cost = run_cost(replace(paper, study=study), "nearest")
    assert cost.study_hours == pytest.approx(5 * cost.training_hours * 2 / 600)
    assert run_cost(paper, "nearest").study_hours == 0
    assert "study_losses          3  1 GPU" in plan_text(replace(paper, study=study))
    assert "study_losses" not in plan_text(paper)


def test_separation_takes_as_long_as_its_shifts(paper: Experiment) -> None:
    hours = [
        run_cost(replace(paper, n_shifts=n_shifts), "transposed").separation_hours
        for n_shifts in (0, 1, 10)
    ]
    assert hours[1] == hours[0] and hours[2] == pytest.approx(10 * hours[0])
