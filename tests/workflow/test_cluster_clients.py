"""The profile for SLURM on clusters that tests/slurm has not: scripts stand in for the clients."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ..clone import REPOSITORY, TINY, Clone, plain_environment

SNAKEFILE = """
rule all:
    input: "train", "other"
    localrule: True
rule train:
    output: "train"
    resources: gpu=1
    shell: "touch train"
rule other:
    output: "other"
    shell: "touch other"
"""
# sbatch does the job at once; a call that matches REFUSED is refused, as often as TIMES says.
CLIENTS = {
    "sbatch": r"""
echo "$*" >>calls
case "$*" in
  *"$REFUSED"*)
    echo refused >>refusals
    if [ "$(wc -l <refusals)" -le "$TIMES" ]; then
      echo 'sbatch: error: Batch job submission failed: Socket timed out' >&2
      exit 1
    fi ;;
esac
id=$(wc -l <calls)
case "$*" in *rule_train*) touch train ;; *) touch other ;; esac
echo "$id|COMPLETED" >>queue
echo "$id"
""",
    "squeue": 'case "$*" in *--states=all*) cat queue ;; esac',
    "sinfo": "echo 'cpu*'",
    "scontrol": "echo 'MinJobAge = 3600 sec'",
    # Accounting is absent.
    **dict.fromkeys(
        ("sacct", "sacctmgr", "sshare"),
        "echo 'You are not running a supported accounting_storage plugin' >&2; exit 1",
    ),
}


@dataclass
class Cluster:
    root: Path
    clients: Path

    def start(
        self, refused: str, times: int, config: str = "config.yaml", *arguments: str
    ) -> subprocess.Popen[str]:
        quick = ("--slurm-init-seconds-before-status-checks=1", "--seconds-between-status-checks=1")
        return subprocess.Popen(
            ["snakemake", "--profile", "slurm", "--retries=1", "--latency-wait=1", *quick,
             *arguments, "--configfile", config],
            cwd=self.root,
            env={
                **plain_environment(),
                "PATH": f"{self.clients}{os.pathsep}{os.environ['PATH']}",
                "REFUSED": refused,
                "TIMES": str(times),
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(
        self, refused: str, times: int, config: str = "config.yaml", *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(refused, times, config, *arguments)
        return subprocess.CompletedProcess(process.args, *ended(process))

    def calls(self, rule: str) -> list[str]:
        calls = (self.root / "calls").read_text().splitlines()
        return [call for call in calls if f"rule_{rule}" in call]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a run: its exit status and output."""
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, output


def write_client(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A folder with a small workflow, the profile, and the clients."""
    root = tmp_path / "small"
    for name, script in CLIENTS.items():
        write_client(root / "bin" / name, script)
    (root / "queue").touch()
    (root / "Snakefile").write_text(SNAKEFILE)
    (root / "config.yaml").write_text("experiment: small\n")
    profile = root / "slurm/config.yaml"
    profile.parent.mkdir()
    profile.write_text((REPOSITORY / "slurm/config.yaml").read_text())
    return Cluster(root, root / "bin")


def test_a_refused_sbatch_is_repeated_and_jobs_run_without_accounting(cluster: Cluster) -> None:
    result = cluster.run(refused="rule_train", times=1)
    assert result.returncode == 0, result.stdout
    assert len(cluster.calls("train")) == 2
    (other,) = cluster.calls("other")
    assert " -A " not in other
    assert "--gpus=1" in cluster.calls("train")[0]


def test_a_job_that_sbatch_always_refuses_does_not_end_the_others(cluster: Cluster) -> None:
    """On a cluster that takes --gres only: the commented lines of the profile are in use."""
    profile = cluster.root / "slurm/config.yaml"
    text, lines = re.subn(
        r"# (gpu: 0|gres: gpu:1|study_losses: {.*})$", r"\1", profile.read_text(), flags=re.M
    )
    assert lines == 4 * 2 + 1
    profile.write_text(text)
    result = cluster.run(refused="rule_other", times=99)
    assert result.returncode == 1
    assert (cluster.root / "train").exists() and not (cluster.root / "other").exists()
    assert len(cluster.calls("other")) == 2
    (train,) = cluster.calls("train")
    assert "--gres=gpu:1" in train and "--gpus" not in train


def test_the_reason_of_a_refused_sbatch_is_shown(cluster: Cluster, clone: Clone) -> None:
    song = "results/tiny/cache/train.txt"
    result = replace(cluster, root=clone.root).run("rule_", 99, TINY, song, "--retries=0")
    assert result.returncode == 1
    lines = {line for line in result.stdout.splitlines() if "Socket timed out" in line}
    assert lines == {
        "slurm: song was not submitted: SLURM sbatch failed. The error message was "
        "'sbatch: error: Batch job submission failed: Socket timed out'."
    }
    assert "Traceback" not in result.stdout


def test_ctrl_c_cancels_a_job_whose_state_is_being_asked_for(
    cluster: Cluster, clone: Clone
) -> None:
    clients = {
        "sbatch": "echo '1|RUNNING' >queue; echo 1",
        "squeue": 'case "$*" in *--states=all*) touch asked; sleep 3; cat queue ;; esac',
        "scancel": 'echo "$*" >>canceled',
    }
    for name, script in clients.items():
        write_client(cluster.clients / name, script)
    song = "results/tiny/cache/train.txt"
    process = replace(cluster, root=clone.root).start("", 0, TINY, song, "--jobs=1")
    deadline = time.monotonic() + 60
    while not (clone.root / "asked").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    code, output = ended(process)
    assert code == 1, output
    assert (clone.root / "canceled").read_text() == "1\n"
