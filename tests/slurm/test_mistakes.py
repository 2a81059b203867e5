"""What a person can mend is told in one line, before anything is sent."""

from __future__ import annotations

from ..clone import Clone
from .conftest import TRAIN, Slurm


def test_a_wrong_partition_is_told_in_one_line(untrained: Clone, slurm: Slurm) -> None:
    wrong = ("--set-resources", "train:slurm_partition=gpus")
    code, output = slurm.run(untrained, *wrong, *TRAIN)
    assert code == 1
    line = (
        "slurm: no partition 'gpus' on this cluster; known: batch, scavenge, urgent; "
        "set slurm_partition in slurm/config.yaml"
    )
    assert [text for text in output.splitlines() if "'gpus'" in text] == [line]
    assert "Traceback" not in output
    assert not slurm.jobs(untrained)


def test_a_failure_ends_with_the_logs(untrained: Clone, slurm: Slurm) -> None:
    clone = untrained
    for cached in (clone.root / "results/tiny/cache").glob("*.npy"):
        cached.write_bytes(b"not an array")
    code, output = slurm.run(clone, "--retries", "0", "--rerun-triggers", "mtime", *TRAIN)
    assert code == 1
    end = output[output.index("train demucs_nearest 0 failed.") :]
    assert "logs/results/tiny/variants/demucs_nearest/seed-0/train.log ends with:\n    " in end
    assert "error: " in end
    (job,) = slurm.jobs(clone)
    assert f"logs/slurm/rule_train/demucs_nearest_0/{job['JobId']}.log" in end


def test_more_devices_than_gpus_are_told_before_anything_is_sent(
    untrained: Clone, slurm: Slurm
) -> None:
    two = [argument.replace("epochs", "devices: 2, epochs") for argument in TRAIN]
    code, output = slurm.run(untrained, *two)
    assert code == 1
    line = "slurm: training.devices is 2, but a job of rule train has 1 GPU(s); set gpu under train"
    assert sum(line in text for text in output.splitlines()) == 1
    assert not slurm.jobs(untrained)
