"""A preview has the systems and seeds that have finished, and says what is missing."""

from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.preview import RUN_FILES, reduce_to_finished

CONFIG = {
    "experiment": "demo",
    "variants": ["a", "b", "c"],
    "seeds": [0, 1, 2],
    "remedies": ["b", "r"],
    "systems": {
        "a": {"remedy_of": None},
        "b": {"remedy_of": "a"},
        "c": {"remedy_of": None},
        "r": {"remedy_of": "a"},
    },
    "probes": {"systems": ["a", "c"], "models": {"m": {}, "n": {}}},
    "loss_study": {"systems": ["a"]},
    "preview": True,
}


def finish(results: Path, *runs: tuple[str, int]) -> None:
    for system, seed in runs:
        for file in RUN_FILES:
            path = results / f"demo/variants/{system}/seed-{seed}" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def test_it_has_the_systems_and_seeds_that_leave_most_runs(tmp_path: Path) -> None:
    finish(tmp_path, ("a", 0), ("b", 0), ("c", 0), ("a", 2), ("b", 2), ("c", 1), ("r", 2))
    preview = reduce_to_finished(CONFIG, tmp_path)
    assert (preview["variants"], preview["seeds"]) == (["a", "b"], [0, 2])
    assert preview["experiment"] == "demo_preview"
    assert "2 of 3 systems and 2 of 3 seeds. Missing: c." in preview["preview"]
    assert CONFIG["variants"] == ["a", "b", "c"]


def test_a_run_without_its_scores_has_not_finished(tmp_path: Path) -> None:
    finish(tmp_path, ("a", 0), ("b", 0), ("c", 0))
    (tmp_path / "demo/variants/b/seed-0/scores.csv").unlink()
    assert reduce_to_finished(CONFIG, tmp_path)["variants"] == ["a", "c"]


def test_remedies_probes_and_studies_that_have_not_finished_are_left_out(tmp_path: Path) -> None:
    finish(tmp_path, ("a", 0), ("b", 0), ("r", 0))
    (tmp_path / "demo/variants/r/seed-0/probe/initialization.csv").unlink()  # remedies have none
    made = tmp_path / "demo/probes"
    for path in (made / "systems/c.csv", made / "models/n/measures.csv"):
        path.parent.mkdir(parents=True)
        path.touch()
    preview = reduce_to_finished(CONFIG, tmp_path)
    assert preview["remedies"] == ["b", "r"]
    assert preview["probes"] == {"systems": ["c"], "models": {"n": {}}}
    assert preview["loss_study"]["systems"] == []


def test_with_fewer_than_two_systems_there_is_nothing_to_compare(tmp_path: Path) -> None:
    finish(tmp_path, ("a", 0), ("a", 1))
    with pytest.raises(InputError, match=r"'demo' has not yet .* two systems; try again later"):
        reduce_to_finished(CONFIG, tmp_path)
