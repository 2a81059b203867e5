"""What a SLURM cluster is asked before jobs are sent to it."""

from __future__ import annotations

import getpass
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from upsampling_artifacts.errors import InputError

ANSWER_SECONDS = 60  # a busy scheduler takes its time, a dead one for ever
END_SECONDS = 90  # SIGTERM, a pause of usually 30 s (KillWait), SIGKILL


def ask(*command: str) -> str | None:
    """What a client of SLURM answers; None if it cannot."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout


def joined(wildcards: Iterable[str]) -> str:
    """What the executor makes of a job's wildcards, in comments and in names of folders."""
    return "_".join(wildcards).replace("/", "_")


def comment(rule: str, wildcards: Iterable[str]) -> str:
    """What the executor calls a job in SLURM (snakemake_executor_plugin_slurm, ``run_job``)."""
    values = joined(wildcards)
    return f"rule_{rule}" + (f"_wildcards_{values}" if values else "")


def check_names(partitions: Iterable[str], accounts: Iterable[str]) -> None:
    """Refuse partitions and accounts that the cluster does not know.

    sbatch would refuse them too: once for every job, after its input was made, in a message of
    thirty lines. Where the cluster does not say what it knows, all is let pass.

    Args:
        partitions: Partitions that jobs will ask for; several in one, by commas, are alternatives.
        accounts: Accounts that they will be charged to.

    Raises:
        InputError: One is unknown; the message lists what is known.
    """
    user = f"user={getpass.getuser()}"
    list_accounts = "sacctmgr --noheader --parsable2 list associations format=account"
    _check("partition", set(partitions), ["sinfo", "--noheader", "--format=%R"])
    _check("account", set(accounts), [*list_accounts.split(), user])


def _check(kind: str, asked: set[str], question: list[str]) -> None:
    known = sorted(set((ask(*question) or "").split())) if asked else []
    for name in sorted({name for names in asked for name in names.split(",")}):
        if known and name not in known:
            raise InputError(
                f"slurm: no {kind} '{name}' on this cluster; known: {', '.join(known)}; "
                f"set slurm_{kind} in slurm/config.yaml"
            )


def end_leftovers(folder: str | Path, comments: Iterable[str]) -> list[str]:
    """End jobs that a Snakemake left behind when it was killed, and wait until they are gone.

    They would write the files that the same jobs, sent again, are about to write. Jobs of another
    Snakemake in the same folder stay: it holds the lock of its files, so theirs are others.

    Args:
        folder: Where the jobs were sent from.
        comments: Comments (``sbatch --comment``) of the jobs that are about to be sent.

    Returns:
        The ids of the jobs that were ended.

    Raises:
        InputError: A job is still there after ``END_SECONDS``.
    """
    wanted = set(comments)
    found = [job for job, comment in _jobs_of(folder) if comment in wanted] if wanted else []
    if not found:
        return []
    ask("scancel", *found)
    deadline = time.monotonic() + END_SECONDS
    while still := {job for job, _ in _jobs_of(folder)} & set(found):
        if time.monotonic() > deadline:
            raise InputError(
                f"slurm: jobs of a run before are still running ({', '.join(sorted(still))}); "
                "end them with scancel"
            )
        time.sleep(1)
    return found


def _jobs_of(folder: str | Path) -> Iterator[tuple[str, str]]:
    """Id and comment of each of the user's waiting or running jobs in a folder."""
    answer = ask("squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%Z|%k")
    for line in (answer or "").splitlines():
        job, where, comment = line.split("|", maxsplit=2)
        if Path(where) == Path(folder):
            yield job, comment
