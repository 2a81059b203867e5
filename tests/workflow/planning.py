"""Time and memory that planning takes: `python -m tests.workflow.planning 10 100 1000`.

The real Snakefile plans experiments with these numbers of variants, five seeds, and the number of
songs of MUSDB18. Nothing runs, and no data is needed.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..clone import Clone, copy_repository, job_counts

UPSAMPLERS = ["transposed", "nearest", "linear", "subpixel"]
SEEDS = 5
SONGS = {"train": 86, "valid": 14, "test": 50}


@dataclass(frozen=True)
class Planning:
    """The jobs and the cost of one dry run.

    Attributes:
        jobs: Number of jobs, by rule.
        seconds: CPU time, which other processes on the machine do not affect.
        memory_bytes: Peak resident memory.
    """

    jobs: dict[str, int]
    seconds: float
    memory_bytes: int


def write_experiment(path: Path, variants: int, seeds: int = SEEDS, **songs: int) -> None:
    """Write the config of an experiment with generated variants and without probes."""
    systems = {
        f"variant_{number}": {"upsampler": {"name": UPSAMPLERS[number % 4], "length": 4 + number}}
        for number in range(variants)
    }
    experiment = {
        "experiment": f"planned-{variants}",
        "synthetic_songs": {**SONGS, **songs},
        "excerpt": False,
        "systems": systems,
        "variants": list(systems),
        "seeds": list(range(seeds)),
        "probes": {"systems": []},
    }
    path.write_text(yaml.safe_dump(experiment))


# Linux counts the memory of the parent process, up to the start, as the child's. So a small process
# starts the dry run, and not pytest.
RUN_AND_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
os._exit(os.waitstatus_to_exitcode(status))
"""


def plan(clone: Clone, *arguments: str) -> Planning:
    """Run ``snakemake --dry-run`` with these arguments."""
    command = ["snakemake", "--dry-run", "--quiet", "rules", "--cores", "2", *arguments]
    result = clone.run(sys.executable, "-u", "-c", RUN_AND_MEASURE, *command)
    assert result.returncode == 0, result.stdout
    seconds, kilobytes = result.stdout.splitlines()[-1].split()
    return Planning(job_counts(result.stdout), float(seconds), 1024 * int(kilobytes))


def main(counts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = copy_repository(Path(folder))
        print("variants    jobs  CPU s  ms per job  memory in MB", flush=True)
        for variants in counts:
            config = clone.root / "config/planned.yaml"
            write_experiment(config, variants)
            cost = plan(clone, "--configfile", str(config))
            jobs = sum(cost.jobs.values())
            per_job = 1000 * cost.seconds / jobs
            memory = cost.memory_bytes / 1e6
            print(
                f"{variants:8} {jobs:7} {cost.seconds:6.0f} {per_job:11.2f} {memory:13.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]])
