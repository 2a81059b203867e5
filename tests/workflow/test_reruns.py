"""A job runs again exactly when something that it depends on changed."""

from __future__ import annotations

import json
import shutil
from functools import partial

import pytest

from ..clone import TINY, Clone, job_counts, job_systems

LIBRARY = "workflow/upsampling_artifacts"
NEAREST = f"{LIBRARY}/upsamplers/nearest.py"

# The jobs that depend on each kind of job: number per rule.
REPORT = {"report": 1, "all": 1}
COMPARED = {"remedies": 1, "figure_remedies": 1, "table_pages": 1}
CLAIMS = {"claims": 1, "table_pages": 1}
MEASURES = {"measures": 1, **CLAIMS}
VARIANT_MEASURES = {
    "trained_measures": 1, "figure_tone_margins": 1, "figure_line_levels": 1,
    "figure_trade_offs": 1, "after_training": 1,
    "figure_after_training": 1, "over_training": 1, "figure_over_training": 1, **CLAIMS,
}  # fmt: skip
PROBED_VARIANTS = {"figure_spectrograms": 2, **VARIANT_MEASURES, **COMPARED}
SCORED = {
    "scores": 1, "figure_source_scores": 1, "table_1": 1, "figure_trade_offs": 1,
    "sdr_differences": 1, "figure_sdr_differences": 1, "unscored_frames": 1, **CLAIMS,
    **COMPARED,
}  # fmt: skip
TIMED_STEPS = {
    "step_speed": 1, "figure_step_speed": 1, "table_1": 1, "figure_trade_offs": 1,
    "table_pages": 1,
}  # fmt: skip
TRAINED = {"figure_training_curves": 1, "tone_seconds": 1, **PROBED_VARIANTS, **SCORED}
STACKS = {
    "figure_arrays": 1, "figure_ones": 1, "figure_overlap": 3, "figure_stacks": 3,
    "probe_stacks": 1,
}  # fmt: skip
TIMED_LAYERS = {"upsampler_speed": 1, "figure_layer_speed": 1}
SINGLE_LAYERS = {"probe_layers": 1, "figure_layers": 1}

BOTH = {"demucs_transposed", "demucs_nearest"}
BASELINES = {"mixture", "ideal_ratio_mask"}
DEMUCS_SYSTEMS = {
    "demucs_transposed", "demucs_nearest", "demucs_linear", "demucs_subpixel",
    "modified_transposed", "modified_subpixel",
}  # fmt: skip

# By edited module: the jobs per rule, and the systems of those jobs that have one.
PLANS: dict[str, tuple[dict[str, int], dict[str, set[str]]]] = {
    # Messages, checkpoints and types decide no result.
    "errors.py": ({}, {}),
    "training/out_of_memory.py": ({}, {}),
    "training/checkpoint.py": ({}, {}),
    "models/types.py": ({}, {}),
    # A network: its systems are trained and probed again; MelGAN and the listed model are not.
    "models/demucs.py": (
        {
            "train": 2, "separate": 2, "score": 2, "probe": 4, "probe_snapshots": 2,
            "probe_system": 6, "probe_readings": 1, "figure_models": 2,
            **TIMED_STEPS, **TRAINED, **MEASURES, **REPORT,
        },
        {
            "train": BOTH, "separate": BOTH, "score": BOTH, "probe": BOTH,
            "probe_snapshots": BOTH, "probe_system": DEMUCS_SYSTEMS,
        },
    ),
    # An upsampler: one variant is trained again. Figure 1 shows its system, figure 9 does not.
    "upsamplers/nearest.py": (
        {
            "train": 1, "separate": 1, "score": 1, "probe": 2, "probe_snapshots": 1,
            "probe_system": 1, "figure_models": 1,
            **STACKS, **SINGLE_LAYERS, **TIMED_LAYERS, **TIMED_STEPS, **TRAINED, **MEASURES,
            **REPORT,
        },
        {
            rule: {"demucs_nearest"}
            for rule in ("train", "separate", "score", "probe", "probe_snapshots", "probe_system")
        },
    ),
    # Part of linear interpolation, which no variant here uses: nothing is trained again.
    "upsamplers/smoothing.py": (
        {
            "probe_system": 1, "figure_models": 1,
            **STACKS, **SINGLE_LAYERS, **TIMED_LAYERS, **MEASURES, **REPORT,
        },
        {"probe_system": {"demucs_linear"}},
    ),
    # The default loss trains both variants.
    "models/distances.py": (
        {
            "train": 2, "separate": 2, "score": 2, "probe": 2, "probe_snapshots": 2,
            "probe_loss_gradients": 1, "figure_loss_gradients": 1, **CLAIMS,
            **TIMED_STEPS, **TRAINED, **REPORT,
        },
        {
            "train": BOTH, "separate": BOTH, "score": BOTH, "probe": BOTH,
            "probe_snapshots": BOTH,
        },
    ),
    # No variant is trained with deep features.
    "models/deep_features.py": (
        {"probe_loss_gradients": 1, "figure_loss_gradients": 1, **CLAIMS, **REPORT},
        {},
    ),
    # A measure: everything is probed again, nothing is trained again.
    "artifacts/lines.py": (
        {
            "probe": 4, "probe_snapshots": 2, "probe_system": 7, "probe_stacks": 1,
            "probe_readings": 1, "probe_model": 1, "figure_model_probe": 1, "figure_models": 2,
            "figure_stacks": 3, "unscored_frames": 1, "probe_loss_gradients": 1,
            "figure_loss_gradients": 1, "tone_seconds": 1,
            **SINGLE_LAYERS, **PROBED_VARIANTS, **MEASURES, **REPORT,
        },
        {
            "probe": BOTH, "probe_snapshots": BOTH,
            "probe_system": {*DEMUCS_SYSTEMS, "melgan"},
        },
    ),
    # What only listed models and audio files are measured for.
    "artifacts/clicks.py": (
        {"probe_model": 1, "figure_model_probe": 1, **MEASURES, **REPORT},
        {},
    ),
    # The sounds with which trained variants are probed.
    "data/speech.py": (
        {"out_of_distribution": 1, "probe": 4, "tone_seconds": 1, **PROBED_VARIANTS, **REPORT},
        {"probe": BOTH},
    ),
    "probes/variants.py": (
        {"probe": 4, "probe_snapshots": 2, "tone_seconds": 1, **PROBED_VARIANTS, **REPORT},
        {"probe": BOTH, "probe_snapshots": BOTH},
    ),
    # The probe of snapshots: trained systems are not probed again.
    "probes/snapshots.py": (
        {"probe_snapshots": 2, **VARIANT_MEASURES, **REPORT},
        {"probe_snapshots": BOTH},
    ),
    # Taking snapshots changes no weights: an edit counts for training runs to come.
    "training/snapshots.py": ({}, {}),
    # What is heard of it.
    "probes/tone_seconds.py": ({"tone_seconds": 1, **REPORT}, {}),
    "evaluation/scoring.py": (
        {"score": 4, **SCORED, **REPORT},
        {"score": BOTH | BASELINES},
    ),
    # The style: figures alone.
    "figures/style.py": (
        {
            "figure_after_training": 1, "figure_layer_speed": 1, "figure_layers": 1,
            "figure_line_levels": 1, "figure_tone_margins": 1,
            "figure_loss_gradients": 1, "figure_models": 2, "figure_ones": 1, "figure_overlap": 3,
            "figure_over_training": 1,
            "figure_remedies": 1,
            "figure_sdr_differences": 1, "figure_source_scores": 1, "figure_spectrograms": 2,
            "figure_stacks": 3,
            "figure_step_speed": 1, "figure_trade_offs": 1, "figure_training_curves": 1,
            "figure_model_probe": 1, **REPORT,
        },
        {},
    ),
}  # fmt: skip


def test_a_finished_experiment_has_nothing_to_do(finished: Clone) -> None:
    assert finished.planned("--configfile", TINY) == {}


@pytest.mark.parametrize("module", PLANS)
def test_editing_a_module_plans_exactly_the_jobs_that_depend_on_it(
    copy_of_finished: Clone, module: str
) -> None:
    jobs, systems = PLANS[module]
    copy_of_finished.append(f"{LIBRARY}/{module}", "\n_EDITED = 1\n")
    result = copy_of_finished.snakemake("--dry-run", "--configfile", TINY)
    assert result.returncode == 0, result.stdout
    assert job_counts(result.stdout) == jobs
    assert job_systems(result.stdout) == systems


def test_comments_docstrings_and_a_touch_run_nothing_again(copy_of_finished: Clone) -> None:
    root, planned = copy_of_finished.root, partial(copy_of_finished.planned, "--configfile", TINY)
    copy_of_finished.edit(NEAREST, "from __future__", "# A comment.\nfrom __future__")
    for script in (root / "workflow/scripts").glob("*.py"):
        text = script.read_text()
        assert text.startswith('"""')
        script.write_text(text.replace('"""', '"""Reworded. ', 1) + "# A comment.\n")
    assert planned() == {}
    # As after a checkout: every file of the repository is newer than the results.
    for path in root.rglob("*"):
        if path.is_file() and path.relative_to(root).parts[0] not in ("results", ".snakemake"):
            path.touch()
    for path in (root / "results/reference").rglob("*"):
        path.touch()
    assert planned() == {}
    # What a script does counts.
    copy_of_finished.append("workflow/scripts/after_training.py", "\nprint(1)\n")
    expected = {"after_training", "figure_after_training", "table_pages", *REPORT}
    assert planned().keys() == expected


@pytest.mark.parametrize("with_records", [True, False])
def test_a_fresh_clone_with_copied_results_runs_nothing_again(
    finished: Clone, clone: Clone, with_records: bool
) -> None:
    """In another folder, with files that are newer than the results, as after `git clone`."""
    copies = ["results/tiny"] + [".snakemake/metadata"] * with_records
    for folder in copies:
        shutil.copytree(finished.root / folder, clone.root / folder, symlinks=True)
    for path in (clone.root / "workflow").rglob("*.*"):
        path.touch()
    assert clone.planned("--configfile", TINY) == {}


def test_no_job_depends_on_where_the_clone_or_its_packages_are(finished: Clone) -> None:
    records = list((finished.root / ".snakemake/metadata").rglob("*"))
    jobs = [json.loads(path.read_text()) for path in records if path.is_file()]
    assert len(jobs) > 80
    for job in jobs:
        known = [path for path in job["input"] if path.startswith("/")]
        known += [text for text in job["params"] if text.startswith(("'/", '"/'))]
        assert not known, job["rule"]


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        ("config/paper_claims.csv", "C1,", "C1,", set()),
        ("config/paper_claims.csv", "0.5", "0.6", {"claims", "table_pages"}),
        (
            "config/paper_table_1.csv", "5.35", "5.36",
            {
                "table_1", "sdr_differences", "claims", "figure_sdr_differences",
                "figure_trade_offs", "figure_step_speed", "table_pages",
            },
        ),
        ("workflow/upsampling_artifacts/report/template.html", "</body>", "<p></p></body>", set()),
    ],
)  # fmt: skip
def test_editing_a_table_or_a_page_runs_what_shows_it(
    copy_of_finished: Clone, path: str, old: str, new: str, rules: set[str]
) -> None:
    copy_of_finished.edit(path, old, new)
    expected = {*rules, *REPORT} if old != new else set()
    assert copy_of_finished.planned("--configfile", TINY).keys() == expected


def test_editing_a_caption_trains_nothing(copy_of_finished: Clone) -> None:
    caption = copy_of_finished.root / "workflow/report/table_1.rst"
    caption.write_text(caption.read_text() + "\nOne more sentence.\n")
    plan = copy_of_finished.planned("--configfile", TINY)
    assert not {"train", "separate", "score", "probe", "cache"} & plan.keys()


def test_options_that_change_no_result_retrain_nothing(finished: Clone) -> None:
    other = (
        "training={checkpoint_minutes: 1, n_snapshots: 3, num_workers: 1, devices: 2, threads: 2, "
        "gradient_accumulation: 2, activation_checkpointing: true}"
    )
    # The report shows the configuration.
    assert finished.planned("--configfile", TINY, "--config", other).keys() <= {"report", "all"}
    assert finished.planned("--configfile", TINY, "--config", "training={epochs: 3}")["train"] == 2


def test_adding_a_seed_trains_that_seed_alone(copy_of_finished: Clone) -> None:
    plan = copy_of_finished.planned("--configfile", TINY, "--config", "seeds=[0,1]")
    assert plan["train"] == 2  # two variants
    assert plan["score"] == 2
    assert "cache" not in plan


def test_forcing_train_for_one_target_retrains_that_variant_alone(copy_of_finished: Clone) -> None:
    scores = "results/tiny/variants/demucs_nearest/seed-0/scores.csv"
    result = copy_of_finished.snakemake("-n", scores, "-R", "train", "--configfile", TINY)
    plan = job_counts(result.stdout)
    assert plan == {"train": 1, "separate": 1, "score": 1}
    assert set.union(*job_systems(result.stdout).values()) == {"demucs_nearest"}


def test_two_runs_from_scratch_write_the_same_bytes(finished: Clone, clone: Clone) -> None:
    scores = "results/tiny/variants/demucs_nearest/seed-0/scores.csv"
    result = clone.snakemake("--configfile", TINY, "--", scores)
    assert result.returncode == 0, result.stdout
    assert (clone.root / scores).read_bytes() == (finished.root / scores).read_bytes()


def test_editing_a_listed_model_probes_it_again(clone: Clone) -> None:
    (clone.root / "my_model.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Upsample(scale_factor=1)\n"
    )
    listed = "probes={'models': {'mine': {'factory': 'my_model:net', 'rate_hz': 8000}}}"
    target = "results/tiny/probes/models/mine/measures.csv"
    arguments = ("--configfile", TINY, "--config", listed, "--", target)
    result = clone.snakemake(*arguments)
    assert result.returncode == 0, result.stdout
    assert clone.planned(*arguments) == {}
    clone.edit("my_model.py", "scale_factor=1", "scale_factor=2")
    assert clone.planned(*arguments) == {"probe_model": 1}
