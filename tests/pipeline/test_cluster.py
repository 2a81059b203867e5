"""What SLURM is asked, with clients that answer as written here. tests/slurm asks a real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline import cluster


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that makes a client of SLURM: a shell script."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (tmp_path / "bin").mkdir()

    def make(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return make


def test_known_names_pass_and_lists_are_alternatives(client) -> None:
    client("sinfo", "printf 'cpu\\ngpu\\n'")
    client("sacctmgr", "printf 'lab\\nlab\\ndefault\\n'")
    cluster.check_names(["cpu", "gpu,cpu"], ["lab"])


def test_an_unknown_account_is_told_with_the_known(client) -> None:
    client("sinfo", "echo cpu")
    client("sacctmgr", "printf 'lab\\nother\\n'")
    with pytest.raises(InputError) as error:
        cluster.check_names(["cpu"], ["labb"])
    assert str(error.value) == (
        "slurm: no account 'labb' on this cluster; known: lab, other; "
        "set slurm_account in slurm/config.yaml"
    )


@pytest.mark.parametrize("answer", ["exit 1", "true"])
def test_a_cluster_that_does_not_say_lets_all_pass(client, answer: str) -> None:
    client("sinfo", answer)
    client("sacctmgr", answer)
    cluster.check_names(["cpu"], ["lab"])


def test_a_client_that_hangs_is_not_waited_for(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.2)
    client("squeue", "exec sleep 60")
    assert cluster.end_leftovers("/here", ["rule_train"]) == []


def test_only_the_same_jobs_of_the_same_folder_are_ended(client, tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    queue.write_text(
        "7|/here|rule_train_wildcards_a_0\n8|/here|rule_train_wildcards_b_0\n"
        "9|/there|rule_train_wildcards_a_0\n10|/here|rule_score_wildcards_a_0_A | B\n"
    )
    client("squeue", f"cat {queue}")
    client("scancel", f'for id; do sed -i "/^$id|/d" {queue}; done')
    comments = [cluster.comment("train", ["a", "0"]), cluster.comment("score", ["a", "0", "A | B"])]
    assert cluster.end_leftovers("/here", comments) == ["7", "10"]
    assert [line.split("|")[0] for line in queue.read_text().splitlines()] == ["8", "9"]


def test_a_job_that_will_not_end_is_told(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "END_SECONDS", 0)
    client("squeue", "echo '7|/here|rule_all'")
    client("scancel", "true")
    with pytest.raises(InputError, match=r"still running \(7\); end them with scancel"):
        cluster.end_leftovers("/here", [cluster.comment("all", [])])
