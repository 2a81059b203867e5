"""An experiment uses what another has made from the same options, and never makes it again."""

from __future__ import annotations

import json
import re

import pytest

from ..clone import TINY, Clone

OTHER = "experiment=other"


def plan(clone: Clone, *settings: str) -> tuple[dict[str, int], list[str]]:
    """The jobs of another experiment with these settings, per rule, and the files they make."""
    result = clone.snakemake("--dry-run", "--configfile", TINY, "--config", OTHER, *settings)
    assert result.returncode == 0, result.stdout
    outputs = re.findall(r"^    output: (.*)$", result.stdout, re.MULTILINE)
    rules = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", result.stdout, re.MULTILINE)
    return {rule: rules.count(rule) for rule in rules}, outputs


def test_the_same_options_under_another_name_train_and_probe_nothing(finished: Clone) -> None:
    jobs, outputs = plan(finished)
    assert not {
        "song", "cache", "song_list", "train", "separate", "score", "baseline", "probe",
        "probe_system", "probe_model", "probe_layers", "probe_stacks", "study_losses", "loading",
    } & jobs.keys()  # fmt: skip
    assert jobs["report"] == jobs["table_1"] == jobs["measures"] == 1
    assert all(output.startswith("results/other/") for output in outputs)


# By setting: rules that run again, and rules that do not.
CHANGES = {
    "training={epochs: 3}": ({"train", "probe", "score"}, {"cache", "probe_system", "baseline"}),
    "training={batch_size: 2}": ({"train"}, {"cache", "song"}),
    "training={n_snapshots: 3}": (set(), {"train", "probe_snapshots", "score"}),
    "separation={n_shifts: 2}": ({"separate", "train"}, {"cache", "baseline"}),
    "probes={signal_seconds: 5}": ({"probe", "train"}, {"cache", "probe_system", "baseline"}),
    "probes={out_of_distribution_seconds: 5}": ({"cache", "train"}, {"probe_system"}),
    "probes={seeds: [1]}": ({"probe_system"}, {"train", "probe_stacks", "probe_model"}),
    "probes={n_seeds_small_models: 2}": ({"probe_stacks", "probe_layers"}, {"train", "cache"}),
    "probes={models: {hdemucs: {seconds: 2.0}}}": ({"probe_model"}, {"train", "excerpt"}),
    "loss_study={systems: [demucs_nearest]}": ({"study_losses"}, {"train", "cache"}),
    "synthetic_songs={seed: 1}": ({"song", "cache", "train", "baseline"}, {"probe_system"}),
    "rate_hz=16000": ({"song", "cache", "train"}, {"probe_system", "probe_stacks"}),
    "sources=[drums,bass]": ({"cache", "train"}, {"probe_system"}),
    "excerpt=False": ({"cache", "train"}, {"probe_system"}),
    "seeds=[0,1]": ({"train"}, {"cache", "probe_system"}),
    "variants=[demucs_nearest,demucs_linear]": ({"train"}, {"cache", "baseline", "probe_layers"}),
    "systems={demucs_nearest: {options: {channels: 6}}}": ({"train", "probe_system"}, {"cache"}),
    "systems={demucs_nearest: {label: new}}": ({"report"}, {"train", "probe_system", "cache"}),
}


@pytest.mark.parametrize("setting", CHANGES)
def test_another_option_never_makes_a_file_of_the_other_experiment_again(
    finished: Clone, setting: str
) -> None:
    """Otherwise the two experiments would make it again in turn."""
    again, kept = CHANGES[setting]
    jobs, outputs = plan(finished, setting)
    assert again <= jobs.keys()
    assert not kept & jobs.keys()
    assert [output for output in outputs if not output.startswith("results/other/")] == []


def test_an_edit_makes_a_shared_file_again_where_it_is(copy_of_finished: Clone) -> None:
    clone = copy_of_finished
    clone.append("workflow/upsampling_artifacts/probes/stacks.py", "\n_EDITED = 1\n")
    _, outputs = plan(clone)
    assert "results/tiny/probes/stacks.csv" in outputs
    (clone.root / "results/tiny/probes/readings.csv").unlink()
    jobs, outputs = plan(clone)
    assert "results/tiny/probes/readings.csv" in outputs and "train" not in jobs


def test_without_the_other_experiment_everything_is_made(copy_of_finished: Clone) -> None:
    (copy_of_finished.root / "results/tiny/shared.json").unlink()
    jobs, outputs = plan(copy_of_finished)
    assert jobs["train"] == 2 and jobs["cache"] == 5
    assert all(output.startswith("results/other/") for output in outputs)


def test_a_plan_and_a_dry_run_record_nothing(copy_of_finished: Clone) -> None:
    record = copy_of_finished.root / "results/tiny/shared.json"
    before = record.read_text()
    arguments = ("--configfile", TINY, "--config", "training={epochs: 3}")
    copy_of_finished.planned(*arguments)
    assert copy_of_finished.snakemake(*arguments, "--", "plan").returncode == 0
    assert record.read_text() == before
    assert set(json.loads(before)["homes"].values()) == {"tiny"}
