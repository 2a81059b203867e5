"""A job re-runs exactly when what it depends on has changed."""

from __future__ import annotations

from ..clone import TINY, Clone

NEAREST = "workflow/upsampling_artifacts/upsamplers/nearest.py"


def test_a_finished_experiment_has_nothing_to_do(finished: Clone) -> None:
    assert finished.planned("--configfile", TINY) == {}


def test_editing_the_nearest_upsampler_retrains_only_the_nearest_variant(
    copy_of_finished: Clone,
) -> None:
    copy_of_finished.edit(NEAREST, 'mode="nearest"', 'mode="nearest-exact"')
    plan = copy_of_finished.planned("--configfile", TINY)
    assert plan["train"] == 1
    assert plan["separate"] == 1
    assert "cache" not in plan
    output = copy_of_finished.snakemake("--dry-run", "--configfile", TINY).stdout
    assert "variants/demucs_nearest/seed-0/model.safetensors" in output
    assert "output: results/tiny/variants/demucs_transposed/seed-0/model" not in output


def test_a_new_comment_in_the_library_re_runs_nothing(copy_of_finished: Clone) -> None:
    copy_of_finished.edit(NEAREST, "from __future__", "# A comment.\nfrom __future__")
    assert copy_of_finished.planned("--configfile", TINY) == {}


def test_editing_a_caption_retrains_nothing(copy_of_finished: Clone) -> None:
    caption = copy_of_finished.root / "workflow/report/table_1.rst"
    caption.write_text(caption.read_text() + "\nOne more sentence.\n")
    plan = copy_of_finished.planned("--configfile", TINY)
    assert not {"train", "separate", "score", "probe", "cache"} & plan.keys()


def test_runtime_keys_of_training_retrain_nothing(finished: Clone) -> None:
    runtime_keys = (
        "training={checkpoint_minutes: 1, num_workers: 1, devices: 2, threads: 2, "
        "gradient_accumulation: 2, activation_checkpointing: true}"
    )
    # The report shows the whole configuration.
    plan = finished.planned("--configfile", TINY, "--config", runtime_keys)
    assert plan.keys() <= {"report", "all"}
    assert finished.planned("--configfile", TINY, "--config", "training={epochs: 3}")["train"] == 2


def test_a_second_seed_trains_only_that_seed(copy_of_finished: Clone) -> None:
    plan = copy_of_finished.planned("--configfile", TINY, "--config", "seeds=[0,1]")
    assert plan["train"] == 2  # two variants
    assert plan["score"] == 2
    assert "cache" not in plan


def test_one_variant_can_be_retrained_alone(copy_of_finished: Clone) -> None:
    scores = "results/tiny/variants/demucs_nearest/seed-0/scores.csv"
    plan = copy_of_finished.planned(scores, "-R", "train", "--configfile", TINY)
    assert plan["train"] == 1
    assert plan["score"] == 1
    assert (
        "demucs_transposed"
        not in copy_of_finished.snakemake(
            "-n", scores, "-R", "train", "--configfile", TINY
        ).stdout.partition("Job stats")[2]
    )


def test_two_runs_from_scratch_give_the_same_scores(finished: Clone, clone: Clone) -> None:
    scores = "results/tiny/variants/demucs_nearest/seed-0/scores.csv"
    result = clone.snakemake("--configfile", TINY, "--", scores)
    assert result.returncode == 0, result.stdout
    assert (clone.root / scores).read_bytes() == (finished.root / scores).read_bytes()


def test_editing_a_user_supplied_model_probes_it_again(clone: Clone) -> None:
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
