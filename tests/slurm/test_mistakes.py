"""Mistakes in the profile are reported in one line before any job is submitted."""

from __future__ import annotations

import pytest

from ..clone import Clone
from .conftest import TRAIN, Slurm


@pytest.mark.parametrize(
    ("kind", "known"), [("partition", "batch, scavenge, urgent"), ("account", "root, tests")]
)
def test_a_wrong_partition_or_account_is_refused_in_one_line(
    untrained: Clone, slurm: Slurm, kind: str, known: str
) -> None:
    wrong = ("--set-resources", f"train:slurm_{kind}=nobodys")
    code, output = slurm.run(untrained, *wrong, *TRAIN)
    assert code == 1
    line = (
        f"slurm: no {kind} 'nobodys' on this cluster; known: {known}; "
        f"set slurm_{kind} in slurm/config.yaml"
    )
    assert [text for text in output.splitlines() if "'nobodys'" in text] == [line]
    assert "Traceback" not in output
    assert not slurm.jobs(untrained)


def test_a_known_account_is_charged(untrained: Clone, slurm: Slurm) -> None:
    code, output = slurm.run(untrained, "--set-resources", "train:slurm_account=tests", *TRAIN)
    assert code == 0, output
    (job,) = slurm.jobs(untrained)
    assert job["Account"] == "tests"


def test_the_output_of_a_failed_run_ends_with_the_logs(untrained: Clone, slurm: Slurm) -> None:
    clone = untrained
    for cached in (clone.root / "results/tiny/cache").glob("*.npy"):
        cached.write_bytes(b"not an array")
    code, output = slurm.run(clone, "--retries", "0", "--rerun-triggers", "mtime", *TRAIN)
    assert code == 1
    end = output[output.index("train demucs_nearest 0 failed.") :]
    assert "logs/results/tiny/variants/demucs_nearest/seed-0/train.log ends with:\n    " in end
    assert "error: " in end
    (job,) = slurm.jobs(clone)
    assert f"logs/slurm/rule_train/tiny_demucs_nearest_0/{job['JobId']}.log" in end
