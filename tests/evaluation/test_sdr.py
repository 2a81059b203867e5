"""A table of scores that lacks something is refused, and a run that lacks something has no SDR."""

import math
from pathlib import Path

import pandas as pd
import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.evaluation.scoring import COLUMNS
from upsampling_artifacts.evaluation.sdr import (
    MEAN,
    read_scores,
    remarks_by_system,
    sdr_by_run,
    sdr_by_source,
    summarize_sdr,
)

NAN = math.nan
SONGS = ["s", "t"]


def table(values: dict[tuple[str, int, str, str], float], remarks: dict | None = None):
    """Scores by system, seed, song and source; remarks by system, seed and song."""
    rows = [
        (*key, metric, value, 4, 0 if math.isnan(value) else 4, (remarks or {}).get(key[:3]))
        for key, value in values.items()
        for metric in ("SDR", "SIR")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def two_systems(**changes: float) -> dict[tuple[str, int, str, str], float]:
    return {
        (system, seed, song, source): changes.get(f"{system}{seed}_{song}_{source}", value)
        for system, value in {"a": 1.0, "b": 2.0}.items()
        for seed in (0, 1)
        for song in SONGS
        for source in ("bass", "drums")
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table(two_systems()).to_csv(tmp_path / "scores.csv", index=False, float_format="%.5f")
    return tmp_path / "scores.csv"


def test_a_complete_table_is_read(path: Path) -> None:
    assert len(read_scores(path)) == 32
    older = pd.read_csv(path).drop(columns="remark")
    older.to_csv(path, index=False)
    assert "remark" not in read_scores(path)
    assert remarks_by_system(read_scores(path), SONGS) == {}


def test_a_table_that_is_cut_off_anywhere_is_refused(path: Path) -> None:
    content = path.read_bytes()
    runs = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert len(read_scores(path, runs)) == 32
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"scores\.csv: ") as error:
            read_scores(path, runs)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-4], "its last line is cut off; delete it"),
        (lambda text: text[: text.rindex("b,1,t,drums,SIR")], "b, seed 1, has 7 rows, but .* 8;"),
        (lambda text: text.replace("value_db", "value"), "not a table of scores"),
        (lambda text: text.replace("2.00000", "2.0x", 1), "not a table of scores"),
        (lambda text: "", "not a table of scores"),
    ],
)
def test_the_refusal_says_what_is_missing(path: Path, change, message: str) -> None:
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=rf"^{path}: {message}"):
        read_scores(path)


def test_a_run_without_scores_of_a_song_has_no_sdr_and_the_others_keep_theirs() -> None:
    complete = table(two_systems())
    partial = table(two_systems(b1_t_bass=NAN))
    before, after = (
        sdr_by_run(scores, SONGS).set_index(["system", "seed"])["sdr_db"]
        for scores in (complete, partial)
    )
    assert math.isnan(after["b", 1])
    pd.testing.assert_series_equal(after.drop(("b", 1)), before.drop(("b", 1)))
    by_source = sdr_by_source(partial, SONGS).set_index(["system", "seed", "source"])["sdr_db"]
    assert by_source.isna().sum() == 2  # bass, and the mean
    assert by_source["b", 1, "drums"] == 2
    summary = summarize_sdr(partial, SONGS).set_index(["system", "source"])
    assert summary.loc[("b", MEAN), "sdr_db"] == 2  # of the other seed
    assert math.isnan(summary.loc[("b", MEAN), "sdr_low_db"])


def test_a_song_that_no_run_could_be_scored_on_counts_for_none() -> None:
    names = [
        f"{system}{seed}_t_{s}" for system in "ab" for seed in (0, 1) for s in ("bass", "drums")
    ]
    nowhere = table(two_systems(**dict.fromkeys(names, NAN)))
    assert sdr_by_run(nowhere, SONGS)["sdr_db"].tolist() == [1, 1, 2, 2]


def test_the_first_remark_of_each_system_is_told() -> None:
    remarks = {("b", 0, "t"): "late", ("b", 1, "s"): "not scored: silent", ("a", 1, "u"): "else"}
    assert remarks_by_system(table(two_systems(), remarks), SONGS) == {
        "b": "seed 0, t: late (and 1 more)"
    }
