"""The tiny experiment runs on a real SLURM with the unmodified profile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ..clone import TINY, Clone, copy_repository
from ..once import made_once
from .conftest import Slurm

SMALLER = ("--configfile", TINY, "tests/slurm/smaller.yaml")
# Rules of GPU jobs (prefixes of SLURM's comments) and numbers of their jobs. step_speed requests
# the resources of training.
GPU_JOBS = {"train_": 2, "separate_": 2, "step_speed": 1}
OTHER_BENCHMARKS = ("results/tiny/benchmarks/upsamplers.csv", "results/tiny/benchmarks/loading.csv")


@pytest.fixture(scope="session")
def experiment(
    slurm: Slurm, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Clone:
    """A clone in which the experiment has run on the cluster. Do not modify it.

    A job takes ten seconds of both cores there, to start Snakemake twice. So what has nothing to do
    with training is made before: songs but one, and the probes of untrained networks.
    """

    def run(root: Path) -> None:
        clone = copy_repository(root)
        result = clone.snakemake(*SMALLER, "--", "probes", *OTHER_BENCHMARKS)
        assert result.returncode == 0, result.stdout
        trained = request.getfixturevalue("trained").root / "results/tiny"
        for folder in ("songs", "cache"):
            shutil.copytree(trained / folder, root / "results/tiny" / folder)
        next((root / "results/tiny/songs").rglob("bass.wav")).unlink()
        code, output = slurm.run(clone, *SMALLER, seconds=600)
        assert code == 0, output

    return Clone(made_once(tmp_path_factory, "on_cluster", run))


def test_the_experiment_runs_up_to_its_report(experiment: Clone) -> None:
    results = experiment.root / "results/tiny"
    assert "data:image/webp;base64" in (results / "report.html").read_text()
    table = pd.read_csv(results / "table_1.csv").set_index("system")
    assert table.loc[["demucs_transposed", "demucs_nearest"], "sdr_db"].notna().all()


def test_each_gpu_job_gets_one_gpu_and_other_jobs_get_none(experiment: Clone, slurm: Slurm) -> None:
    for rule, count in GPU_JOBS.items():
        jobs = slurm.jobs(experiment, rule)
        assert len(jobs) == count
        for job in jobs:
            assert job["TresPerJob"] == "gres:gpu:1"  # requested (--gpus=1)
            assert job["JOB_GRES"] == "gpu:fake:1"  # allocated
            assert job["NodeList"].startswith("gpu")
    for job in slurm.jobs(experiment):
        if not job["Comment"].startswith(tuple(f"rule_{rule}" for rule in GPU_JOBS)):
            assert "gpu" not in job.get("TresPerJob", "") + job["JOB_GRES"], job


def test_jobs_request_the_resources_of_the_profile(experiment: Clone, slurm: Slurm) -> None:
    train = slurm.jobs(experiment, "train_")[0]
    assert (train["MinMemoryNode"], train["TimeLimit"]) == ("32000M", "1-00:00:00")
    assert train["CPUs/Task"] == "1"
    assert slurm.jobs(experiment, "cache_")[0]["MinMemoryNode"] == "4000M"


def test_every_job_is_submitted_once_and_local_rules_never(experiment: Clone, slurm: Slurm) -> None:
    comments = [job["Comment"] for job in slurm.jobs(experiment)]
    assert len(set(comments)) == len(comments)
    for small in ("claims", "figure_source_scores", "table_1", "song_list", "all"):
        assert not slurm.jobs(experiment, small)


def test_logs_are_named_by_variant_and_rule(experiment: Clone) -> None:
    log = experiment.root / "logs/results/tiny/variants/demucs_nearest/seed-0/train.log"
    assert "demucs_nearest seed 0" in log.read_text()
    # SLURM's own logs are kept only for failed jobs.
    assert not list((experiment.root / "logs/slurm").rglob("*.log"))


def test_one_variant_can_be_retrained_alone(
    experiment: Clone, slurm: Slurm, tmp_path: Path
) -> None:
    shutil.copytree(experiment.root, tmp_path / "clone", symlinks=True)
    clone = Clone(tmp_path / "clone")
    scores = "results/tiny/variants/demucs_nearest/seed-0/scores.csv"
    other = clone.root / "results/tiny/variants/demucs_transposed/seed-0/model.safetensors"
    before = other.stat().st_mtime_ns
    code, output = slurm.run(clone, *SMALLER, "-R", "train", "--", scores)
    assert code == 0, output
    submitted = sorted(job["Comment"].split("_wildcards_")[0] for job in slurm.jobs(clone))
    assert submitted == ["rule_score", "rule_separate", "rule_train"]
    assert all("nearest" in job["Comment"] for job in slurm.jobs(clone))
    assert other.stat().st_mtime_ns == before
