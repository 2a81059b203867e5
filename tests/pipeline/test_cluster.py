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

    create("sacct", "exit 1")
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


@pytest.mark.parametrize("asked", ["MyLab", "mylab", "MYLAB"])
def test_accounts_are_compared_without_case(client, asked: str) -> None:
    client("sinfo", "echo cpu")
    client("sacctmgr", "echo mylab")
    cluster.check_names(["cpu"], [asked])
    with pytest.raises(InputError, match="no partition 'CPU' on this cluster; known: cpu;"):
        cluster.check_names(["CPU"], [asked])


def test_accounts_are_compared_by_line(client) -> None:
    client("sinfo", "true")
    client("sacctmgr", "printf 'my lab\\n12345\\n\\n'")
    cluster.check_names([], ["12345"])
    with pytest.raises(InputError, match="no account 'lab' on this cluster; known: 12345, my lab;"):
        cluster.check_names([], ["lab"])


def test_an_account_with_a_space_gets_the_way_to_use_it(client) -> None:
    client("sinfo", "true")
    client("sacctmgr", "echo 'my lab'")
    with pytest.raises(InputError) as error:
        cluster.check_names([], ["My Lab"])
    assert str(error.value) == (
        "slurm: Snakemake cannot use account 'My Lab': it would take the words for several "
        "accounts; remove slurm_account from slurm/config.yaml and "
        "`export SBATCH_ACCOUNT='My Lab'`"
    )


def test_a_cluster_that_does_not_list_its_names_accepts_all(client) -> None:
    client("sinfo", "exit 1")
    client("sacctmgr", "exit 1")
    client("sshare", "true")
    cluster.check_names(["cpu"], ["lab"])


def test_sshare_is_asked_if_sacctmgr_lists_nothing(client) -> None:
    client("sinfo", "true")
    client("sacctmgr", "true")
    client("sshare", "printf 'lab \\n'")
    cluster.check_names([], ["LAB"])
    with pytest.raises(InputError, match="no account 'labb' on this cluster; known: lab;"):
        cluster.check_names([], ["labb"])


# Accounting that is switched off, whose daemon has stopped, that users may not ask, that hangs.
WITHOUT_ACCOUNTING = {
    "absent": "echo 'You are not running a supported accounting_storage plugin' >&2; exit 1",
    "stopped": "echo 'error: slurm_persist_conn_open_without_init: refused' >&2; exit 1",
    "forbidden": "echo 'error: Access/permission denied' >&2; exit 1",
    "hanging": "exec sleep 60",
    "not installed": None,
}


@pytest.mark.parametrize("accounting", WITHOUT_ACCOUNTING)
def test_without_accounting_only_an_account_is_refused(
    client, monkeypatch: pytest.MonkeyPatch, accounting: str
) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.5)
    client("sinfo", "echo cpu")
    for name in ("sacctmgr", "sshare"):
        client(name, WITHOUT_ACCOUNTING[accounting] or "exit 127")
    cluster.check_names(["cpu"], [])
    with pytest.raises(InputError) as error:
        cluster.check_names(["cpu"], ["lab"])
    assert str(error.value) == (
        "slurm: Snakemake cannot use account 'lab': neither sacctmgr nor sshare lists accounts; "
        "remove slurm_account from slurm/config.yaml and `export SBATCH_ACCOUNT=lab`"
    )


def test_a_missing_sacct_is_one_line(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match=r"^slurm: no command 'sacct' here, [^\n]*$"):
        cluster.check_names([], [])


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
