"""The tables that come with the repository are complete, and can be replaced by one's own."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.benchmarks.steps import COLUMNS as STEP_COLUMNS
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.evaluation.reference_tables import (
    CONFIG_KEYS,
    losses_at_equal_steps,
    read_provenance,
    read_reference,
    summarize_tones,
    tone_rows,
    write_reference,
)
from upsampling_artifacts.evaluation.remedy_summary import SUMMARY_COLUMNS
from upsampling_artifacts.evaluation.scoring import COLUMNS as SCORE_COLUMNS
from upsampling_artifacts.evaluation.sdr_differences import COLUMNS as DIFFERENCE_COLUMNS
from upsampling_artifacts.evaluation.sdr_differences import sdr_differences
from upsampling_artifacts.pipeline.configuration import resolve
from upsampling_artifacts.probes.measures_table import VARIANT_COLUMNS
from upsampling_artifacts.training.loop import COLUMNS as TRAINING_COLUMNS
from upsampling_artifacts.training.options import learning_options

from ..clone import REPOSITORY
from ..configs import SCHEMA, read_config

REFERENCE = REPOSITORY / "results/reference"
PLAIN = ["demucs_transposed", "demucs_nearest", "demucs_linear", "demucs_subpixel"]
TONE_HZ = 2000.0


@pytest.fixture(scope="module")
def shipped():
    return read_reference(REFERENCE / "one_gpu")


def test_git_tracks_the_tables_and_nothing_else_of_results() -> None:
    def is_ignored(path: str) -> bool:
        command = ["git", "-C", str(REPOSITORY), "check-ignore", "--quiet", path]
        return subprocess.run(command, check=False).returncode == 0

    assert not is_ignored("results/reference/one_gpu/scores.csv")
    assert is_ignored("results/one_gpu/scores.csv")


def test_the_shipped_tables_have_todays_columns(shipped) -> None:
    assert list(shipped.variants.columns) == VARIANT_COLUMNS
    assert [*shipped.scores.columns, "remark"] == SCORE_COLUMNS  # measured before it was added
    assert list(shipped.sdr_differences.columns) == DIFFERENCE_COLUMNS
    assert list(shipped.training.columns) == ["system", "seed", *TRAINING_COLUMNS]
    steps = pd.read_csv(REFERENCE / "full_size/steps.csv")
    assert list(steps.columns) == [*STEP_COLUMNS, "peak_gb"]


def test_the_shipped_tables_and_their_provenance_agree(shipped) -> None:
    config = shipped.provenance["config"]
    assert [*CONFIG_KEYS, "signal_seconds", "test_songs"] == list(config)
    assert config["variants"] == PLAIN
    for table, column in (
        (shipped.variants, "model"), (shipped.scores, "system"), (shipped.training, "system"),
    ):  # fmt: skip
        assert set(table[column]) == set(PLAIN)
        assert sorted(table["seed"].unique()) == config["seeds"] == [0]
    assert sorted(shipped.scores["song"].unique()) == config["test_songs"]
    assert len(config["test_songs"]) == config["synthetic_songs"]["test"]
    assert len(tone_rows(shipped.variants, config["rate_hz"] / 4)) == len(shipped.variants) > 0
    assert set(shipped.variants["stage"]) == {"initialization", "trained"}


@pytest.mark.parametrize("name", ["one_gpu", "full_size"])
def test_the_provenance_says_what_is_known_and_what_was_not_recorded(name: str) -> None:
    origin = read_provenance(REFERENCE / name)
    assert origin["machine"]["GPU"].startswith("NVIDIA H100 80GB")
    assert origin["packages"] == {"torch": "2.11"}
    assert origin["written"] == "2026-11-28"
    assert origin["machine"]["CPU"] is origin["machine"]["Python"] is origin["dirty"] is None
    assert "commit" in origin and origin["remarks"]


def test_the_shipped_comparison_has_all_remedies_and_says_how_it_was_made() -> None:
    summary = pd.read_csv(REFERENCE / "remedies/remedies_summary.csv")
    assert list(summary.columns) == SUMMARY_COLUMNS
    config = resolve(read_config("remedies.yaml"), SCHEMA)
    assert set(summary["system"]) == set(config["remedies"])
    assert set(summary["reference"]) == set(config["variants"])
    assert set(summary["n_seeds"]) == {3}
    origin = read_provenance(REFERENCE / "remedies")
    assert origin["machine"]["GPU"] is None and origin["dirty"] is False
    # Two epochs more than the demonstration takes since, as the report says.
    then = config["training"] | {"precision": "32-true", "epochs": 6}
    assert learning_options(origin["config"]["training"]) == learning_options(then)
    assert "durations of training steps are rough" in origin["remarks"][0]


def test_the_shipped_differences_follow_from_the_shipped_scores(shipped) -> None:
    computed = sdr_differences(
        shipped.scores,
        shipped.provenance["config"]["test_songs"],
        [(name, PLAIN[0], True) for name in PLAIN[1:]],
        pd.read_csv(REPOSITORY / "config/paper_table_1.csv"),
    )
    pd.testing.assert_frame_equal(computed, shipped.sdr_differences, atol=1e-4)


def test_the_shipped_ratios_are_those_of_the_medians() -> None:
    steps = pd.read_csv(REFERENCE / "full_size/steps.csv")
    seconds = steps["median_step_seconds"]
    assert steps["ratio_to_transposed"].to_numpy() == pytest.approx(seconds / seconds[0], rel=1e-3)


def test_the_folder_describes_every_file() -> None:
    text = (REFERENCE / "README.md").read_text()
    for path in REFERENCE.glob("*/*"):
        assert path.name in text, path
    commit = read_provenance(REFERENCE / "one_gpu")["commit"]
    assert commit[:7] in text and len(commit) == 40


def variant_rows(**changes: object) -> pd.DataFrame:
    """The level of the tone in silence of one system, and what must not be taken for it."""
    row = dict.fromkeys(VARIANT_COLUMNS) | {
        "model": "a", "seed": 0, "stage": "trained", "signal": "silence", "layer": "output",
        "measure": "line_level", "frequency_hz": TONE_HZ, "value": -50.0,
        "arithmetic": "separation",
    }  # fmt: skip
    return pd.DataFrame(
        [
            row | changes,
            row | {"seed": 1, "value": -52.0} | changes,
            row | {"arithmetic": "reference", "value": 0.0},
            row | {"layer": "input", "value": 0.0},
            row | {"frequency_hz": 2 * TONE_HZ, "value": 0.0},
        ]
    )


def test_tones_are_averaged_over_seeds_in_the_arithmetic_of_separation() -> None:
    mean, low, high = summarize_tones(variant_rows(), TONE_HZ).loc[
        ("a", "silence", "trained", "line_level")
    ]
    assert mean == -51
    assert (low, high) == pytest.approx((-51 - 12.706, -51 + 12.706), abs=1e-3)


def test_a_system_without_separation_is_read_in_the_arithmetic_that_it_has() -> None:
    rows = variant_rows()
    rows = rows[rows["arithmetic"] == "reference"]
    assert summarize_tones(rows, TONE_HZ)["mean"].tolist() == [0]


def test_exactly_silent_is_not_a_number() -> None:
    summary = summarize_tones(variant_rows(value=-np.inf), TONE_HZ)
    assert summary["mean"].tolist() == [-np.inf]
    assert summary["high"].isna().all()


def test_losses_are_compared_after_equal_steps() -> None:
    training = pd.DataFrame(
        [("a", 0, 10, 0.5), ("a", 0, 20, 0.4), ("a", 0, 30, 0.3),
         ("b", 0, 10, 0.6), ("b", 0, 20, 0.5), ("b", 0, 25, np.nan)],
        columns=["system", "seed", "step", "valid_loss"],
    )  # fmt: skip
    assert losses_at_equal_steps(training, ["b", "a"]) == (20, {"b": 0.5, "a": 0.4})
    assert losses_at_equal_steps(training.query("step != 10 and step != 20"), ["a"]) == (0, {})


def write_experiment(folder: Path) -> dict[str, object]:
    """The files of a finished experiment that become reference tables."""
    folder.mkdir()
    variant_rows().to_csv(folder / "variants.csv", index=False)
    for name in ("scores", "sdr_differences"):
        pd.DataFrame({"system": ["a"]}).to_csv(folder / f"{name}.csv", index=False)
    for system in "ab":
        pd.DataFrame({"step": [8], "valid_loss": [0.5]}).to_csv(folder / f"{system}.csv")
    pd.DataFrame({"device": ["My GPU", None, "My GPU"]}).to_csv(folder / "steps.csv")
    (folder / "claims.csv").write_text("claim,value\nC14,1.50\n")
    (folder / "provenance.json").write_text('{"commit": "0123", "machine": {"cores": "16"}}')
    names = ("variants", "scores", "sdr_differences", "steps")
    return {
        **{name: folder / f"{name}.csv" for name in names},
        "training": [(system, 3, folder / f"{system}.csv") for system in "ab"],
        "provenance": folder / "provenance.json",
        "copies": [folder / "claims.csv"],
        "config": {**dict.fromkeys(CONFIG_KEYS), "rate_hz": 8000, "probes": {"signal_seconds": 4}},
        "test_songs": ["Someone - A song"],
    }


def test_a_finished_experiment_replaces_the_tables(tmp_path: Path) -> None:
    folder, files = tmp_path / "reference/mine", write_experiment(tmp_path / "mine")
    write_reference(folder, **files)
    (folder / "remedies_summary.csv").write_text("of an earlier experiment, which had remedies")
    write_reference(folder, **files)
    assert (folder / "claims.csv").read_text() == "claim,value\nC14,1.50\n"
    assert not (folder / "remedies_summary.csv").exists()
    reference = read_reference(folder)
    assert set(reference.variants["layer"]) == {"output"}
    assert set(reference.variants["frequency_hz"]) == {TONE_HZ}
    assert reference.training[["system", "seed", "step"]].to_numpy().tolist() == [
        ["a", 3, 8], ["b", 3, 8],
    ]  # fmt: skip
    assert reference.provenance["commit"] == "0123"
    assert reference.provenance["machine"] == {"cores": "16", "GPU": "My GPU"}
    assert reference.provenance["config"]["test_songs"] == ["Someone - A song"]
    assert json.dumps(reference.provenance)


def test_a_machine_without_a_gpu_has_none(tmp_path: Path) -> None:
    files = write_experiment(tmp_path / "mine")
    pd.DataFrame({"device": ["cpu", "cpu"]}).to_csv(tmp_path / "mine/steps.csv")
    write_reference(tmp_path / "reference", **files)
    assert read_provenance(tmp_path / "reference")["machine"] == {"cores": "16", "GPU": None}


@pytest.mark.parametrize("name", ["scores.csv", "provenance.json"])
def test_a_missing_table_is_named_with_a_remedy(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mine"
    write_reference(folder, **write_experiment(tmp_path / "experiment"))
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"mine: {name} is missing; restore it with: git") as error:
        read_reference(folder)
    assert "\n" not in str(error.value)
