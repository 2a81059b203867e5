"""What a person can mend is told in one line, before anything is sent."""

from __future__ import annotations

from ..clone import TINY, Clone
from .conftest import Slurm

ESTIMATES = "results/tiny/variants/ideal_ratio_mask/seed-0/estimates"


def test_a_wrong_partition_is_told_in_one_line(copy_of_finished: Clone, slurm: Slurm) -> None:
    code, output = slurm.run(
        copy_of_finished, "--configfile", TINY, "--set-resources",
        "baseline:slurm_partition=gpus", "-R", "baseline", "--", ESTIMATES,
    )  # fmt: skip
    assert code == 1
    line = (
        "slurm: no partition 'gpus' on this cluster; known: batch, scavenge, urgent; "
        "set slurm_partition in slurm/config.yaml"
    )
    assert [text for text in output.splitlines() if "gpus" in text] == [line]
    assert "Traceback" not in output
    assert not slurm.jobs(copy_of_finished)


def test_a_failure_ends_with_its_log(copy_of_finished: Clone, slurm: Slurm) -> None:
    clone = copy_of_finished
    for cached in (clone.root / "results/tiny/cache").glob("*.npy"):
        cached.write_bytes(b"not an array")
    code, output = slurm.run(
        clone, "--configfile", TINY, "--retries", "0", "-R", "baseline", "--", ESTIMATES
    )
    assert code == 1
    end = output[output.index("baseline ideal_ratio_mask 0 failed.") :]
    log = "logs/results/tiny/variants/ideal_ratio_mask/seed-0/baseline.log"
    assert f"{log} ends with:\n    " in end
    assert "error: " in end
    assert f"logs/slurm/rule_baseline/ideal_ratio_mask_0/{slurm.jobs(clone)[0]['JobId']}.log" in end
