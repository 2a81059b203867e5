"""The experiment of one GPU is planned, and its tables can become the repository's."""

from __future__ import annotations

import re
import shlex
import shutil

import pandas as pd
import pytest

from ..clone import REPOSITORY, TINY, Clone
from ..configs import SCHEMA, read_config

CONFIG = "config/one_gpu.yaml"
FOLDER = "results/reference"
COMMANDS = re.findall(
    r"^ {4}(snakemake .+)$", (REPOSITORY / FOLDER / "README.md").read_text(), re.MULTILINE
)


@pytest.fixture(scope="module")
def config() -> dict:
    from upsampling_artifacts.pipeline.configuration import resolve

    return resolve(read_config("one_gpu.yaml"), SCHEMA)


def test_the_six_demucs_like_systems_begin_with_the_plain_ones(config: dict) -> None:
    assert config["variants"] == read_config()["variants"][:6]


def test_systems_are_compared_after_equal_steps(config: dict) -> None:
    trainings = [
        config["training"] | config["systems"][name]["training"] for name in config["variants"]
    ]
    assert all(training == trainings[0] for training in trainings)
    assert trainings[0]["minutes"] is None


def test_it_downloads_nothing_and_trains_each_system_with_each_seed(
    clone: Clone, config: dict
) -> None:
    jobs = clone.planned("--configfile", CONFIG)
    runs = len(config["variants"]) * len(config["seeds"])
    untrained = 2 * len(config["seeds"])  # remedies that take the weights of a variant
    songs = sum(config["synthetic_songs"][split] for split in ("train", "valid", "test"))
    assert jobs["train"] == runs
    assert jobs["separate"] == runs + untrained
    assert jobs["score"] == runs + untrained + 2  # the baselines, too
    assert jobs["song"] == jobs["cache"] == songs
    assert "fetch" not in jobs and "probe_system" not in jobs


def test_its_plan_states_the_networks_and_the_gpu_time(clone: Clone) -> None:
    result = clone.snakemake("plan", "--configfile", CONFIG)
    assert result.returncode == 0, result.stdout
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert float(rows["demucs_transposed"][1].removesuffix("M")) == pytest.approx(72, abs=1)
    minutes = float(re.search(r"GPU time: ([0-9.]+) min,", result.stdout).group(1))
    assert 3 < minutes < 15


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_beside_the_tables_can_be_planned(clone: Clone, command: str) -> None:
    result = clone.run(*shlex.split(command), "--dry-run")
    assert result.returncode == 0, result.stdout


def test_the_tables_of_a_finished_experiment_are_copied(copy_of_finished: Clone) -> None:
    result = copy_of_finished.snakemake("reference", "--configfile", TINY)
    assert result.returncode == 0, result.stdout
    copied = copy_of_finished.root / FOLDER / "tiny"
    assert {path.name for path in copied.iterdir()} == {
        "variants.csv", "scores.csv", "sdr_differences.csv", "training.csv", "provenance.json",
        "claims.csv", "after_training.csv", "over_training.csv", "remedies_summary.csv",
    }  # fmt: skip
    training = pd.read_csv(copied / "training.csv")
    assert list(training["system"]) == ["demucs_transposed"] * 2 + ["demucs_nearest"] * 2
    assert copy_of_finished.planned("--configfile", TINY) == {}


def test_the_report_shows_the_reference_tables_if_they_are_there(copy_of_finished: Clone) -> None:
    page = copy_of_finished.root / "results/tiny/report.html"
    assert "On one GPU, at 44.1 kHz" in page.read_text()
    shutil.rmtree(copy_of_finished.root / FOLDER)
    result = copy_of_finished.snakemake("--configfile", TINY)
    assert result.returncode == 0, result.stdout
    assert "On one GPU" not in page.read_text()
