"""An experiment takes what another has made from the same options, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import sharing
from upsampling_artifacts.pipeline.sharing import Item, find_homes, read_homes, write_record


def items(epochs: int = 6, rate_hz: int = 8000) -> dict[str, Item]:
    """Songs, and a run that is trained with them."""
    return {
        "data": Item({"rate_hz": rate_hz}, "cache/test.txt"),
        "run/a/0": Item([{"rate_hz": rate_hz}, epochs], "variants/a/scores.csv", ("data",)),
    }


def start(results: Path, experiment: str, wanted: dict[str, Item], *made: str) -> dict[str, str]:
    """Start an experiment that makes these of its items where they belong."""
    homes = find_homes(experiment, wanted, results)
    write_record(experiment, wanted, homes, results)
    for name in made:
        path = results / homes[name] / wanted[name].marker
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made")
    return homes


def test_what_another_experiment_has_made_is_taken(tmp_path: Path) -> None:
    start(tmp_path, "demo", items(), "data", "run/a/0")
    assert find_homes("mine", items(), tmp_path) == {"data": "demo", "run/a/0": "demo"}


def test_options_that_make_more_are_accepted_and_those_that_make_less_are_not(
    tmp_path: Path,
) -> None:
    plain, snapshots = {"epochs": 6}, {"epochs": 6, "snapshots": True}
    less = {"run": Item(plain, "scores.csv", or_by=snapshots)}
    more = {"run": Item(snapshots, "scores.csv", or_by=snapshots)}
    start(tmp_path, "remedies", less, "run")
    assert find_homes("mine", more, tmp_path) == {"run": "mine"}
    start(tmp_path, "variants", more, "run")
    (tmp_path / "remedies/shared.json").unlink()
    assert find_homes("mine", less, tmp_path) == {"run": "variants"}


def test_other_options_share_no_more_than_they_decide(tmp_path: Path) -> None:
    start(tmp_path, "demo", items(), "data", "run/a/0")
    longer = find_homes("mine", items(epochs=7), tmp_path)
    assert longer == {"data": "demo", "run/a/0": "mine"}
    faster = find_homes("mine", items(rate_hz=16000), tmp_path)
    assert faster == {"data": "mine", "run/a/0": "mine"}


def test_what_another_experiment_has_only_planned_is_not_taken(tmp_path: Path) -> None:
    start(tmp_path, "demo", items(), "data")
    assert find_homes("mine", items(), tmp_path) == {"data": "demo", "run/a/0": "mine"}


def test_a_run_is_not_taken_from_where_it_has_other_inputs(tmp_path: Path) -> None:
    """Both have rendered their songs; a run of `demo` was trained with those of `demo`."""
    start(tmp_path, "mine", items(epochs=5), "data")
    (tmp_path / "mine/shared.json").rename(tmp_path / "record")  # unseen by `demo`
    start(tmp_path, "demo", items(), "data", "run/a/0")
    (tmp_path / "record").rename(tmp_path / "mine/shared.json")
    assert find_homes("mine", items(), tmp_path) == {"data": "mine", "run/a/0": "mine"}


def test_a_third_experiment_takes_from_the_holder_and_from_the_same_one_again(
    tmp_path: Path,
) -> None:
    start(tmp_path, "demo", items(), "data")
    start(tmp_path, "mine", items(), "run/a/0")
    homes = {"data": "demo", "run/a/0": "mine"}
    assert start(tmp_path, "third", items()) == homes
    # One that comes first in the alphabet changes nothing.
    (tmp_path / "demo/shared.json").rename(tmp_path / "record")
    (tmp_path / "mine/shared.json").rename(tmp_path / "record of mine")
    start(tmp_path, "another", items(), "data", "run/a/0")
    (tmp_path / "record").rename(tmp_path / "demo/shared.json")
    (tmp_path / "record of mine").rename(tmp_path / "mine/shared.json")
    assert find_homes("third", items(), tmp_path) == homes


def test_what_an_experiment_has_made_itself_it_keeps(tmp_path: Path) -> None:
    start(tmp_path, "mine", items(), "data", "run/a/0")
    start(tmp_path, "demo", items(epochs=7), "run/a/0")
    assert set(find_homes("mine", items(epochs=7), tmp_path).values()) == {"mine"}


def test_a_deleted_or_changed_experiment_gives_nothing(tmp_path: Path) -> None:
    start(tmp_path, "demo", items(), "data", "run/a/0")
    assert set(start(tmp_path, "mine", items()).values()) == {"demo"}
    (tmp_path / "demo/cache/test.txt").unlink()
    assert set(find_homes("mine", items(), tmp_path).values()) == {"mine"}
    (tmp_path / "demo/cache/test.txt").write_text("made")
    start(tmp_path, "demo", items(epochs=7))  # the run will be made again, in place
    assert find_homes("mine", items(), tmp_path) == {"data": "demo", "run/a/0": "mine"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": {}}', '{"other": 1}'])
def test_a_damaged_record_shares_nothing(tmp_path: Path, text: str) -> None:
    start(tmp_path, "demo", items(), "data", "run/a/0")
    (tmp_path / "demo" / sharing.RECORD).write_text(text)
    assert set(find_homes("mine", items(), tmp_path).values()) == {"mine"}
    assert read_homes("demo", tmp_path) == {}


def test_jobs_use_the_homes_with_which_the_experiment_was_started(tmp_path: Path) -> None:
    assert read_homes("mine", tmp_path) == {}
    start(tmp_path, "demo", items(), "data", "run/a/0")
    homes = start(tmp_path, "mine", items())
    assert read_homes("mine", tmp_path) == homes
