"""Frames that museval cannot score are counted, and the tones in them measured."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.evaluation.scoring import score_song
from upsampling_artifacts.evaluation.unscored_frames import (
    COLUMNS,
    summarize_unscored_frames,
    unscored_frames,
    write_unscored_frames,
)

RATE_HZ, SECONDS, TONE_HZ = 4000, 6, 1000.0
SOURCES = ["drums", "bass"]


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> Path:
    """Noises; the drums are silent in seconds 1, 2 and 4."""
    stems = 0.1 * np.random.default_rng(0).standard_normal((2, 2, SECONDS * RATE_HZ))
    for second in (1, 2, 4):
        stems[0, :, second * RATE_HZ : (second + 1) * RATE_HZ] = 0
    return cache_song("Artist - Title", stems, RATE_HZ)


def add_run(folder: Path, song: Path, system: str, tone: np.ndarray, seed: int = 0) -> Path:
    """Write the estimates of a run: the stems, plus a tone in each, and their scores."""
    run, cached = folder / system / f"seed-{seed}", read_cache(song)
    target = run / "estimates/test" / cached.name
    target.mkdir(parents=True)
    noise = np.random.default_rng(seed).standard_normal((2, SECONDS * RATE_HZ))
    for source, stem in zip(cached.sources, cached.stems / 2**15, strict=True):
        # So faint that the tones stand out, but museval must not see exact silence.
        estimate = stem + 1e-7 * noise + tone
        soundfile.write(target / f"{source}.wav", estimate.T, RATE_HZ, subtype="FLOAT")
    score_song(song, target, run / "scores/test" / f"{cached.name}.json")
    return run


def sine(rms: float) -> np.ndarray:
    return rms * np.sqrt(2) * np.sin(2 * np.pi * TONE_HZ / RATE_HZ * np.arange(SECONDS * RATE_HZ))


def by_source(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index(["system", "source"])


def test_frames_are_counted_and_the_tone_is_measured_where_the_stem_is_silent(
    song: Path, tmp_path: Path
) -> None:
    scale = read_cache(song).scale
    runs = [
        add_run(tmp_path, song, "with_tone", sine(10 ** (-50 / 20) * scale)),
        add_run(tmp_path, song, "without", sine(0.0)),
    ]
    table = unscored_frames(runs, [song], [TONE_HZ])
    assert list(table.columns) == COLUMNS
    rows = by_source(table)
    assert (rows["n_frames"] == SECONDS).all() and (rows["n_unscored"] == 3).all()
    assert rows["n_silent"].tolist() == [0, 3] * 2 or rows["n_silent"].tolist() == [3, 0] * 2
    toned, clean = rows.loc[("with_tone", "drums")], rows.loc[("without", "drums")]
    assert toned["level_db"] == pytest.approx(-50, abs=0.1)
    assert toned["masking_margin_db"] > 20
    assert clean["level_db"] < -110
    assert clean["masking_margin_db"] < 5
    # The bass plays in all frames.
    assert rows.loc[("with_tone", "bass"), ["level_db", "masking_margin_db"]].isna().all()


def test_a_tone_outside_the_silent_frames_does_not_count(song: Path, tmp_path: Path) -> None:
    tone = sine(0.1)
    for second in (1, 2, 4):
        tone[second * RATE_HZ : (second + 1) * RATE_HZ] = 0
    run = add_run(tmp_path, song, "elsewhere", tone)
    table = unscored_frames([run], [song], [TONE_HZ])
    assert by_source(table).loc[("elsewhere", "drums"), "level_db"] < -110


def test_one_frame_with_a_decaying_sound_does_not_move_the_median(
    song: Path, tmp_path: Path
) -> None:
    tone = sine(1e-4)
    tone[RATE_HZ : 2 * RATE_HZ] *= 1000
    run = add_run(tmp_path, song, "decaying", tone)
    level_db = by_source(unscored_frames([run], [song], [TONE_HZ])).loc[
        ("decaying", "drums"), "level_db"
    ]
    assert level_db == pytest.approx(-80 - 20 * np.log10(read_cache(song).scale), abs=0.1)


def test_samples_that_are_not_finite_have_no_tone_and_the_other_frames_have(
    song: Path, tmp_path: Path
) -> None:
    tone = sine(1e-4)
    tone[2 * RATE_HZ + 5] = np.nan
    tone[4 * RATE_HZ + 5] = np.inf
    drums = by_source(
        unscored_frames([add_run(tmp_path, song, "faulty", tone)], [song], [TONE_HZ])
    ).loc[("faulty", "drums")]
    assert (drums["n_unscored"], drums["n_silent"]) == (SECONDS, 3)
    expected_db = -80 - 20 * np.log10(read_cache(song).scale)
    assert drums["level_db"] == pytest.approx(expected_db, abs=0.1)


def test_a_silent_estimate_has_no_tone(song: Path, tmp_path: Path) -> None:
    run = add_run(tmp_path, song, "silent", sine(0.0))
    cached = read_cache(song)
    path = run / "estimates/test" / cached.name / "drums.wav"
    soundfile.write(path, cached.stems[0].T / 2**15, RATE_HZ, subtype="FLOAT")
    row = by_source(unscored_frames([run], [song], [TONE_HZ])).loc[("silent", "drums")]
    assert row["level_db"] == row["masking_margin_db"] == -np.inf


def test_a_frame_that_museval_scored_is_not_counted(song: Path, tmp_path: Path) -> None:
    run = add_run(tmp_path, song, "scored", sine(0.0))
    path = run / "scores/test/Artist - Title.json"
    store = json.loads(path.read_text())
    for target in store["targets"]:
        target["frames"][1]["metrics"]["SDR"] = 5.0
    path.write_text(json.dumps(store))
    table = unscored_frames([run], [song], [TONE_HZ])
    assert (table["n_unscored"] == 2).all() and table["n_silent"].max() == 2


def test_systems_are_summarized_over_songs_sources_and_seeds(tmp_path: Path) -> None:
    rows = [
        ("a", seed, song, source, 30, 5, n_silent, hz, level_db + 3 * seed, 20.0)
        for seed in (0, 1, 2)
        for hz, offset_db in ((1000.0, 0.0), (2000.0, 40.0))
        for song, source, n_silent, level_db in (
            ("s", "drums", 2, -50.0 + offset_db), ("s", "bass", 3, -46.0 + offset_db),
            ("t", "drums", 0, np.nan), ("u", "bass", 1, -48.0 + offset_db),
        )
    ]  # fmt: skip
    rows.append(("b", 0, "s", "drums", 30, 0, 0, 1000.0, np.nan, np.nan))
    rows.append(("c", 0, "s", "drums", 30, 1, 1, 1000.0, -np.inf, np.nan))
    rows.append(("c", 1, "s", "drums", 30, 1, 1, 1000.0, -60.0, 5.0))
    summary = summarize_unscored_frames(pd.DataFrame(rows, columns=COLUMNS), 1000.0)
    assert summary["system"].tolist() == ["a", "c"]  # b has no unscored frame
    row, partly_silent = summary.iloc[0], summary.iloc[1]
    assert (partly_silent["n_seeds"], partly_silent["n_exactly_silent"]) == (2, 1)
    assert (partly_silent["level_db"], partly_silent["masking_margin_db"]) == (-60, 5)
    assert (row["n_seeds"], row["n_silent"]) == (3, 6)
    assert row["level_db"] == pytest.approx(-45)  # seeds: -48, -45, -42
    assert row["level_high_db"] - row["level_db"] == pytest.approx(4.30265 * np.sqrt(3), abs=1e-4)
    assert row["masking_margin_db"] == 20


def test_the_table_is_written_from_files(song: Path, tmp_path: Path) -> None:
    run = add_run(tmp_path, song, "my_system", sine(0.01), seed=4)
    write_unscored_frames([run], [str(song)], [TONE_HZ, 500.0], tmp_path / "unscored.csv")
    table = pd.read_csv(tmp_path / "unscored.csv")
    assert len(table) == 4 and set(table["frequency_hz"]) == {TONE_HZ, 500.0}
    assert set(table["system"]) == {"my_system"} and set(table["seed"]) == {4}
