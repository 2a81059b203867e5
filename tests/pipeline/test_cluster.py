"""Queries to SLURM, with simulated clients; tests/slurm uses a real cluster."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline import cluster


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that creates a SLURM client as a shell script."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (tmp_path / "bin").mkdir()

    def create(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return create


def test_known_names_and_lists_of_alternatives_are_accepted(client) -> None:
    client("sinfo", "printf 'cpu\\ngpu\\n'")
    client("sacctmgr", "printf 'lab\\nlab\\ndefault\\n'")
    cluster.check_names(["cpu", "gpu,cpu"], ["lab"])


def test_an_unknown_account_gets_a_message_with_the_known_ones(client) -> None:
    client("sinfo", "echo cpu")
    client("sacctmgr", "printf 'lab\\nother\\n'")
    with pytest.raises(InputError) as error:
        cluster.check_names(["cpu"], ["labb"])
    assert str(error.value) == (
        "slurm: no account 'labb' on this cluster; known: lab, other; "
        "set slurm_account in slurm/config.yaml"
    )


@pytest.mark.parametrize("answer", ["exit 1", "true"])
def test_a_cluster_that_does_not_list_its_names_accepts_all(client, answer: str) -> None:
    client("sinfo", answer)
    client("sacctmgr", answer)
    cluster.check_names(["cpu"], ["lab"])


def test_a_client_that_hangs_times_out(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.2)
    client("squeue", "exec sleep 60")
    assert cluster.cancel_orphans("/here", ["rule_train"]) == []


def test_only_the_same_jobs_of_the_same_folder_are_canceled(client, tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    queue.write_text(
        "7|/here|rule_train_wildcards_a_0\n8|/here|rule_train_wildcards_b_0\n"
        "9|/there|rule_train_wildcards_a_0\n10|/here|rule_score_wildcards_a_0_A | B\n"
    )
    client("squeue", f"cat {queue}")
    client("scancel", f'for id; do sed -i "/^$id|/d" {queue}; done')
    comments = [
        cluster.job_comment("train", ["a", "0"]),
        cluster.job_comment("score", ["a", "0", "A | B"]),
    ]
    assert cluster.cancel_orphans("/here", comments) == ["7", "10"]
    assert [line.split("|")[0] for line in queue.read_text().splitlines()] == ["8", "9"]


def test_a_job_that_does_not_end_is_an_input_error(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CANCEL_SECONDS", 0)
    client("squeue", "echo '7|/here|rule_all'")
    client("scancel", "true")
    with pytest.raises(InputError, match=r"still running \(7\); cancel them with scancel"):
        cluster.cancel_orphans("/here", [cluster.job_comment("all", [])])
