"""One job trains data-parallel on two GPUs."""

from __future__ import annotations

import pandas as pd

from ..clone import TINY, Clone
from .conftest import MODEL, Slurm

EPOCHS = 4


def test_a_job_with_two_gpus_trains_once_on_both(untrained: Clone, slurm: Slurm) -> None:
    code, output = slurm.run(
        untrained, "--configfile", TINY, "--config", f"training={{epochs: {EPOCHS}, devices: 2}}",
        "--", MODEL,
    )  # fmt: skip
    assert code == 0, output
    (job,) = slurm.jobs(untrained, "train")
    assert (job["TresPerJob"], job["JOB_GRES"]) == ("gres:gpu:2", "gpu:fake:2")
    assert (job["NumTasks"], job["CPUs/Task"], job["NumNodes"]) == ("1", "2", "1")
    log = untrained.root / "logs/results/tiny/variants/demucs_nearest/seed-0/train.log"
    last = f"{2 * EPOCHS}/{2 * EPOCHS}, "  # steps
    assert log.read_text().count(last) == 1  # twice if the script had run once per GPU
    assert len(pd.read_csv((untrained.root / MODEL).with_name("training.csv"))) == EPOCHS
