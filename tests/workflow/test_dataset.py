"""A user's own data set is checked, cached again when it changes, and never modified."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ..clone import TINY, Clone, line_with
from ..folders import state_of, write_song

FOUR = ["drums", "bass", "other", "vocals"]
ODD_NAMES = ["It's: A & B", '[x] # "y", * z', "- 100% Ö"]
TWO_SOURCES = "tests/workflow/two_sources.yaml"


def arguments(root: Path, *targets: str) -> list[str]:
    """Arguments that run the tiny experiment on a folder, without the real excerpt."""
    settings = ["dataset=folder", f"root={root}", "excerpt=False"]
    return ["--configfile", TINY, "--config", *settings, "--", *targets]


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder data set: four training songs, one of them for validation, and a test song."""
    root = tmp_path_factory.mktemp("root")
    for seed, song in enumerate([*ODD_NAMES, "Valid"]):
        write_song(root / "train" / song, FOUR, 8000, seed=seed)
    write_song(root / "test" / "Test", FOUR, 8000)
    (root / "mus.yaml").write_text("validation_tracks: [Valid]")
    return root


def manifest(clone: Clone, experiment: str = "tiny") -> pd.DataFrame:
    return pd.read_csv(clone.root / f"results/{experiment}/dataset/manifest.csv")


def test_all_broken_songs_are_listed_with_the_line_of_config_that_excludes_them(
    clone: Clone, root: Path
) -> None:
    first, second, third = ODD_NAMES
    (root / "train" / first / "bass.wav").unlink()
    soundfile.write(root / "train" / second / "drums.wav", np.ones((32000, 1)) / 2, 8000)
    target = "results/tiny/dataset/manifest.csv"
    result = clone.snakemake("--keep-going", *arguments(root, target))
    assert result.returncode != 0 and "Traceback" not in result.stdout
    for song, complaint in ((first, "no stem 'bass'"), (second, "1 channel(s)")):
        line = line_with(result.stdout, complaint)
        config = yaml.safe_load(line.partition("in config: ")[2])
        assert config == {"exclude_songs": [song]}
    exclusion = result.stdout.partition("Broken songs: 2.")[2].splitlines()[1]
    assert set(yaml.safe_load(exclusion)["exclude_songs"]) == {first, second}

    (clone.root / "without.yaml").write_text(exclusion.strip())
    result = clone.snakemake("--configfile", TINY, "without.yaml", *arguments(root, target)[2:])
    assert result.returncode == 0, result.stdout
    table = manifest(clone)
    assert list(table["song"].unique()) == [third, "Valid", "Test"]
    assert list(table["split"].unique()) == ["train", "valid", "test"]


def test_the_manifest_describes_the_files(clone: Clone, root: Path) -> None:
    song = root / "test" / "Test"
    samples, _ = soundfile.read(song / "vocals.wav", dtype="int16")
    samples[8000:16000] = 0
    soundfile.write(song / "vocals.wav", samples[:-50], 8000, subtype="PCM_16")
    before = state_of(root)
    result = clone.snakemake(*arguments(root, "results/tiny/dataset/manifest.csv"))
    assert result.returncode == 0, result.stdout
    assert state_of(root) == before
    assert re.search(r"cache: 0.0032 GB for 5 songs; .* GB free in results", result.stdout)
    table = manifest(clone)
    assert list(table.columns[:9]) == [
        "song", "split", "source", "seconds", "rate_hz", "channels", "level_db", "silent_seconds",
        "sha256",
    ]  # fmt: skip
    assert len(table) == 5 * 5
    rows = table[table["song"] == "Test"].set_index("source")
    assert rows.loc["vocals", ["seconds", "silent_seconds", "trimmed_samples"]].tolist() == [
        pytest.approx(3.99375), 1, 0,
    ]  # fmt: skip
    assert rows.loc["mixture", "trimmed_samples"] == 50
    # One of four stems is missing for a quarter of the time.
    assert -13 < rows.loc["mixture", "residual_db"] < -6
    others = table[(table["source"] == "mixture") & (table["song"] != "Test")]
    assert (others["residual_db"] == -np.inf).all()
    digest = clone.run("sha256sum", str(song / "vocals.wav")).stdout.split()[0]
    assert rows.loc["vocals", "sha256"] == digest
    assert "the shortest" in (clone.root / "logs/results/tiny/cache/Test.log").read_text()


def test_after_a_change_of_a_stem_only_its_song_is_cached_again(clone: Clone, root: Path) -> None:
    target = "results/tiny/dataset/manifest.csv"
    assert clone.snakemake(*arguments(root, target)).returncode == 0
    assert clone.planned(*arguments(root, target)) == {}
    stem = root / "train" / ODD_NAMES[0] / "bass.wav"
    for older in (False, True):  # an older file counts as a change, too
        content = stem.stat()
        samples, rate_hz = soundfile.read(stem, dtype="int16")
        soundfile.write(stem, samples // 2, rate_hz, subtype="PCM_16")
        if older:
            os.utime(stem, ns=(content.st_atime_ns, content.st_mtime_ns - 10**15))
        assert clone.planned(*arguments(root, target)) == {"cache": 1, "manifest": 1}
        assert clone.snakemake(*arguments(root, target)).returncode == 0
    rate = [*arguments(root)[:-1], "rate_hz=4000", "--", target]
    assert clone.planned(*rate) == {"cache": 5, "manifest": 1}


def test_a_cache_that_does_not_fit_on_the_disk_is_refused_before_any_job_runs(clone: Clone) -> None:
    huge = "synthetic_songs={train: 1000, valid: 1, test: 1, seconds: 3600}"
    settings = ("--configfile", TINY, "--config", huge, "rate_hz=384000", "excerpt=False")
    line = clone.refused("it does not fit", *settings, "--", "results/tiny/cache/train.txt")
    assert re.search(r"cache: .* GB for 1000 songs; .* GB free in results: it does not fit", line)
    assert not list(clone.root.glob("results/**/*.wav"))


def test_a_folder_with_two_sources_is_trained_and_scored_up_to_table_1(
    clone: Clone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("two sources")
    for seed, song in enumerate(["One", "Two"]):
        write_song(root / "train" / song, ["vocals", "accompaniment"], 22050, seed=seed)
    write_song(root / "test" / "Three", ["vocals", "accompaniment"], 22050)
    (root / "mus.yaml").write_text("validation_tracks: [Two]")
    before = state_of(root)
    targets = ("table_1", "results/two-sources/figures/source_scores.svg")
    result = clone.snakemake(
        "--configfile", TWO_SOURCES, "--config", f"root={root}", "--", *targets
    )
    assert result.returncode == 0, result.stdout
    assert state_of(root) == before
    results = clone.root / "results/two-sources"
    scores = pd.read_csv(results / "scores.csv")
    assert set(scores["source"]) == {"vocals", "accompaniment"}
    assert set(scores["system"]) == {"demucs_nearest", "mixture", "ideal_ratio_mask"}
    # The real excerpt has four stems; its accompaniment is their sum without the vocals.
    assert set(scores["song"]) == {"Three", "The Easton Ellises - Falcon 69"}
    assert scores["value_db"].notna().all()
    table_1 = pd.read_csv(results / "table_1.csv").set_index("system")
    assert table_1.loc["ideal_ratio_mask", "sdr_db"] > table_1.loc["mixture", "sdr_db"]
    assert (results / "figures/source_scores.svg").exists()


def test_synthetic_songs_can_be_cached_as_vocals_and_accompaniment(clone: Clone) -> None:
    two = "sources=[vocals, accompaniment]"
    target = "results/tiny/cache/test.txt"
    result = clone.snakemake("--configfile", TINY, "--config", two, "--", target)
    assert result.returncode == 0, result.stdout
    song = next(path for path in (clone.root / "results/tiny/songs/test").iterdir())
    cached = np.load(clone.root / f"results/tiny/cache/{song.name}.npy")
    assert cached.shape[0] == 3
    # Each is resampled by itself, so they add up to the mixture except for rounding.
    assert np.abs(cached[1:].astype(int).sum(axis=0) - cached[0]).max() <= 2
    shutil.rmtree(clone.root / "results")
