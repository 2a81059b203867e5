"""Scores equal museval's, and their aggregation matches hand-computed numbers."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import museval
import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.cached_song import CHECKSUM, cache_checksum
from upsampling_artifacts.data.musdb18 import Recording
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.evaluation import scoring
from upsampling_artifacts.evaluation.scoring import (
    COLUMNS,
    METRICS,
    keep_common_frames,
    read_frames,
    score_song,
    score_songs,
    song_scores,
    write_scores,
)
from upsampling_artifacts.evaluation.sdr import sdr_by_run

RATE_HZ = 2000
SECONDS = 3
SOURCES = ("drums", "bass")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cache three seconds of two noises; the drums are silent in the second second."""
    stems = 0.1 * np.random.default_rng(0).standard_normal((2, 2, SECONDS * RATE_HZ))
    stems[0, :, RATE_HZ : 2 * RATE_HZ] = 0
    audio = np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32)
    path = tmp_path_factory.mktemp("cache") / "Artist - Title.npy"
    write_cache(Recording("Artist - Title", SOURCES, audio, RATE_HZ), path, RATE_HZ)
    return path


def write_estimates(folder: Path, song: Path, noise_db: float) -> Path:
    """Write references plus white noise, ``noise_db`` relative to their level."""
    stems = np.load(song)[1:] / 2**15
    noise = 0.1 * 10 ** (noise_db / 20) * np.random.default_rng(1).standard_normal(stems.shape)
    folder.mkdir()
    for source, estimate in zip(SOURCES, stems + noise, strict=True):
        soundfile.write(folder / f"{source}.wav", estimate.T, RATE_HZ, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def scored(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return museval's JSON file for estimates with noise 20 dB below the references."""
    root = tmp_path_factory.mktemp("runs")
    estimates = write_estimates(root / "estimates", song, noise_db=-20)
    path = root / "demucs_nearest" / "seed-12" / "scores" / "test" / "Artist - Title.json"
    score_song(song, estimates, path)
    return path


def test_noise_20_db_below_the_reference_gives_an_sdr_of_20_db(scored: Path) -> None:
    frames = read_frames([scored.parents[1]])
    assert set(frames["metric"]) == set(METRICS)
    sdr = frames[frames["metric"] == "SDR"].set_index(["source", "frame"])["value_db"]
    for source in SOURCES:
        for frame in (0, 2):
            assert sdr[source, frame] == pytest.approx(20, abs=0.5)


def test_a_frame_with_a_silent_reference_is_not_scored_for_any_source(scored: Path) -> None:
    frames = read_frames([scored.parents[1]])
    unscored = frames[frames["value_db"].isna()]
    assert set(unscored["frame"]) == {1}
    assert len(unscored) == len(SOURCES) * len(METRICS)
    scores = song_scores(frames)
    assert (scores["n_frames"] == SECONDS).all()
    assert (scores["n_frames_scored"] == SECONDS - 1).all()
    assert scores["value_db"].notna().all()


def test_frames_have_the_run_and_the_song_from_their_path(scored: Path) -> None:
    frames = read_frames([scored.parents[1]])
    assert set(frames["system"]) == {"demucs_nearest"}
    assert set(frames["seed"]) == {12}
    assert set(frames["song"]) == {"Artist - Title"}
    assert len(frames) == len(SOURCES) * SECONDS * len(METRICS)


def test_musevals_tools_can_read_the_scores(scored: Path) -> None:
    store = museval.EvalStore()
    store.add_eval_dir(scored.parents[1])
    table = store.df
    assert set(table["target"]) == set(SOURCES)
    ours = read_frames([scored.parents[1]])
    for metric in METRICS:
        theirs = table[(table["metric"] == metric) & (table["target"] == "bass")]["score"]
        mine = ours[(ours["metric"] == metric) & (ours["source"] == "bass")]["value_db"]
        np.testing.assert_array_equal(np.sort(theirs.dropna()), np.sort(mine.dropna()))


def test_scores_equal_musevals_evaluation_of_a_track(scored: Path, song: Path) -> None:
    stems = np.load(song)[1:].transpose(0, 2, 1) / 2**15
    targets = {s: SimpleNamespace(audio=audio) for s, audio in zip(SOURCES, stems, strict=True)}
    track = SimpleNamespace(name="Artist - Title", rate=RATE_HZ, targets=targets, subset="test")
    folder = scored.parents[4] / "estimates"
    estimates = {source: soundfile.read(folder / f"{source}.wav")[0] for source in SOURCES}
    theirs = json.loads(museval.eval_mus_track(track, estimates, mode="v4", win=1, hop=1).json)
    ours = json.loads(scored.read_text())
    assert str(ours["targets"]) == str(theirs["targets"])  # as text, because NaN != NaN
    assert len(set(ours["targets"][0]["frames"][0]["metrics"].values())) == 4  # the metrics differ


def lose(path: Path) -> None:
    path.unlink()


def shorten(path: Path) -> None:
    soundfile.write(path, np.ones((RATE_HZ, 2)), RATE_HZ)


def make_mono(path: Path) -> None:
    soundfile.write(path, np.ones(SECONDS * RATE_HZ), RATE_HZ)


def change_the_rate(path: Path) -> None:
    soundfile.write(path, np.ones((SECONDS * RATE_HZ, 2)), 2 * RATE_HZ)


@pytest.mark.parametrize("damage", [lose, shorten, make_mono, change_the_rate])
def test_a_missing_or_mismatched_estimate_is_an_input_error(
    song: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    estimates = write_estimates(tmp_path / "estimates", song, noise_db=-20)
    damage(estimates / "bass.wav")
    with pytest.raises(InputError, match=r"separate the song again$") as error:
        score_song(song, estimates, tmp_path / "scores.json")
    assert str(error.value).startswith(f"{estimates / 'bass.wav'}: ")
    assert not (tmp_path / "scores.json").exists()


@pytest.fixture
def two_songs(song: Path, tmp_path: Path) -> list[Path]:
    """Return one song under two names, with estimates of both in ``tmp_path/estimates``."""
    (tmp_path / "estimates/test").mkdir(parents=True)
    copies = []
    for name in ("One", "Two"):
        copies.append(tmp_path / f"{name}.npy")
        copies[-1].symlink_to(song)
        description = json.loads(song.with_suffix(".json").read_text()) | {"song": name}
        description[CHECKSUM] = cache_checksum(description, np.load(song))
        copies[-1].with_suffix(".json").write_text(json.dumps(description))
        write_estimates(tmp_path / "estimates/test" / name, song, noise_db=-20)
    return copies


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_replaces_old_scores_and_writes_one_file_per_song(
    two_songs: list[Path], scored: Path, tmp_path: Path, processes: int
) -> None:
    folder = tmp_path / "demucs_nearest" / "seed-12" / "scores"
    (folder / "test").mkdir(parents=True)
    (folder / "test" / "An old song.json").touch()
    score_songs(two_songs, tmp_path / "estimates", folder, processes, "nearest")
    assert sorted(path.name for path in folder.rglob("*.json")) == ["One.json", "Two.json"]
    alone = read_frames([scored.parents[1]])
    for _, frames in read_frames([folder]).groupby("song"):
        together = frames.drop(columns="song").reset_index(drop=True)
        pd.testing.assert_frame_equal(together, alone.drop(columns="song"))


def test_a_song_that_cannot_be_scored_fails_the_run(two_songs: list[Path], tmp_path: Path) -> None:
    lose(tmp_path / "estimates/test/Two/bass.wav")
    with pytest.raises(InputError, match=r"Two/bass\.wav: missing"):
        score_songs(two_songs, tmp_path / "estimates", tmp_path / "scores", 2, "nearest")
    assert not (tmp_path / "scores").exists()  # although the other song is scored


def die(*_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_gets_one_line(
    two_songs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "score_song", die)
    with pytest.raises(InputError, match=r"^nearest: .* lack of memory .* scoring\.processes"):
        score_songs(two_songs, tmp_path / "estimates", tmp_path / "scores", 2, "nearest")


def make_frames(
    values: dict[tuple[str, int, str, str], list[float]], metric: str = "SDR"
) -> pd.DataFrame:
    """Build a table of frames from values by ``(system, seed, song, source)``."""
    rows = [
        (*key, frame, metric, value)
        for key, by_frame in values.items()
        for frame, value in enumerate(by_frame)
    ]
    columns = ["system", "seed", "song", "source", "frame", "metric", "value_db"]
    return pd.DataFrame(rows, columns=columns)


NAN = float("nan")


def test_a_frame_that_one_system_lacks_is_dropped_for_all() -> None:
    frames = make_frames(
        {
            ("a", 0, "s", "bass"): [1, 2, 30, 4],
            ("a", 1, "s", "bass"): [5, 6, 70, 8],
            ("b", 0, "s", "bass"): [9, NAN, 110, 12],
            ("a", 0, "s", "drums"): [1, 2, 3, 4],
            ("a", 1, "s", "drums"): [1, 2, 3, 4],
            ("b", 0, "s", "drums"): [1, 2, 3, NAN],
        }
    )
    kept = keep_common_frames(frames).set_index(["system", "seed", "source", "frame"])
    kept = kept["value_db"].sort_index()
    assert len(kept) == len(frames)
    for system, seed in (("a", 0), ("a", 1), ("b", 0)):
        assert kept[system, seed, "bass"].isna().tolist() == [False, True, False, False]
        assert kept[system, seed, "drums"].isna().tolist() == [False, False, False, True]
    assert kept["a", 1, "bass"][[0, 2, 3]].tolist() == [5, 70, 8]
    scores = song_scores(kept.reset_index().assign(song="s", metric="SDR"))
    assert scores["n_frames"].tolist() == [4] * 6
    assert scores["n_frames_scored"].tolist() == [3] * 6
    assert scores["value_db"].tolist() == [4, 2, 8, 2, 12, 2]  # a 0, a 1, b 0; bass, drums


def test_frames_are_dropped_separately_for_each_metric() -> None:
    values = {("a", 0, "s", "bass"): [1.0, NAN], ("b", 0, "s", "bass"): [3.0, 4.0]}
    both = pd.concat([make_frames(values), make_frames({k: [5.0, 6.0] for k in values}, "SIR")])
    kept = keep_common_frames(both)
    assert kept[kept["metric"] == "SIR"]["value_db"].notna().all()
    assert kept[kept["metric"] == "SDR"]["value_db"].isna().sum() == 2


COMPLETE = {
    ("a", 0, "s", "bass"): [1.0, 2.0], ("a", 0, "t", "bass"): [1.0, 2.0],
    ("b", 3, "s", "bass"): [1.0, 2.0], ("b", 3, "t", "bass"): [1.0, 2.0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({("b", 3, "t", "bass"): [1.0]}, "of b, seed 3: frame 1 of bass in 't' is missing"),
        ({("b", 3, "s", "bass"): []}, "of b, seed 3: frame 0 of bass in 's' is missing"),
        ({("b", 3, "t", "drums"): [1.0]}, "of a, seed 0: frame 0 of drums in 't' is missing"),
        # A frame that could not be scored is not a missing frame.
        (
            {("a", 0, "t", "bass"): [NAN, NAN], ("b", 3, "t", "bass"): [NAN]},
            "frame 1 of bass in 't' is missing",
        ),
    ],
)
def test_scores_of_different_songs_sources_or_frames_are_refused(changes, missing) -> None:
    keep_common_frames(make_frames(COMPLETE))
    with pytest.raises(InputError, match=f"^scores .*{missing}.*-R score") as error:
        keep_common_frames(make_frames(COMPLETE | changes))
    assert "\n" not in str(error.value)


def test_scores_are_medians_over_frames_without_nan() -> None:
    frames = make_frames(
        {
            ("a", 0, "s", "drums"): [1, 10, NAN, 3],
            ("a", 0, "s", "bass"): [4, 1, 2, 3],
            ("a", 0, "t", "bass"): [NAN, NAN, NAN, NAN],
        }
    )
    scores = song_scores(frames)
    assert list(scores.columns) == COLUMNS
    assert scores["source"].tolist() == ["bass", "drums", "bass"]
    assert scores["value_db"].tolist() == pytest.approx([2.5, 3, NAN], nan_ok=True)
    assert scores["n_frames"].tolist() == [4, 4, 4]
    assert scores["n_frames_scored"].tolist() == [4, 3, 0]


def test_sdr_is_the_median_over_songs_then_the_mean_over_sources() -> None:
    values = {"drums": {"s": 1, "t": 2, "u": 9}, "bass": {"s": 8, "t": 3, "u": 4},
              "other": {"s": 7, "t": 9, "u": 32}}  # fmt: skip
    rows = [
        ("a", seed, song, source, metric, value + 10 * seed + 100 * (metric == "SIR"), 1, 1, None)
        for source, by_song in values.items()
        for song, value in by_song.items()
        for seed in (0, 1)
        for metric in ("SDR", "SIR")
    ]
    scores = pd.DataFrame(rows, columns=COLUMNS)
    all_songs = sdr_by_run(scores, ["s", "t", "u"])
    assert list(all_songs.columns) == ["system", "seed", "sdr_db"]
    # Medians 2, 4 and 9, mean 5; averaging sources first would give 8.3, a median of medians 4.
    assert all_songs["sdr_db"].tolist() == [5, 15]
    assert sdr_by_run(scores, ["u"])["sdr_db"].tolist() == [15, 25]
    assert sdr_by_run(scores, ["another"]).empty


def write_json(root: Path, system: str, values: dict[str, list[float]]) -> Path:
    path = root / system / "seed-0" / "scores" / "test" / "s.json"
    path.parent.mkdir(parents=True)
    targets = [
        {"name": source, "frames": [{"metrics": dict.fromkeys(METRICS, v)} for v in by_frame]}
        for source, by_frame in values.items()
    ]
    path.write_text(json.dumps({"targets": targets}))
    return path.parents[1]


def test_scores_are_written_over_all_frames_or_only_common_ones(tmp_path: Path) -> None:
    folders = [
        write_json(tmp_path, "a", {"bass": [1.0, 5.0, 2.0]}),
        write_json(tmp_path, "b", {"bass": [3.0, NAN, 4.0]}),
    ]
    for common, sdr_db in ((False, 2.0), (True, 1.5)):
        path = tmp_path / "scores.csv"
        write_scores(folders, path, common=common)
        table = pd.read_csv(path)
        assert list(table.columns) == COLUMNS
        sdr = table[table["metric"] == "SDR"].set_index("system")["value_db"]
        assert sdr.to_dict() == {"a": sdr_db, "b": 3.5}
