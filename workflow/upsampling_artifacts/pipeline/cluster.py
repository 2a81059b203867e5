"""Query a SLURM cluster before jobs are submitted to it."""

from __future__ import annotations

import getpass
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from upsampling_artifacts.errors import InputError

TIMEOUT_SECONDS = 60  # a busy scheduler is slow, a dead one never answers
CANCEL_SECONDS = 90  # SIGTERM, a pause of typically 30 s (KillWait), SIGKILL


def query(*command: str) -> str | None:
    """Run a SLURM client; return its output, or None if it fails."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout


def join_wildcards(wildcards: Iterable[str]) -> str:
    """Join a job's wildcards as the SLURM executor does, in comments and folder names."""
    return "_".join(wildcards).replace("/", "_")


def job_comment(rule: str, wildcards: Iterable[str]) -> str:
    """Build the comment that the executor gives a job (snakemake_executor_plugin_slurm)."""
    values = join_wildcards(wildcards)
    return f"rule_{rule}" + (f"_wildcards_{values}" if values else "")


def check_names(partitions: Iterable[str], accounts: Iterable[str]) -> None:
    """Refuse partitions and accounts that do not exist on the cluster.

    sbatch would refuse them too, but once per job, after its inputs have been created, and in
    thirty lines. If the cluster lists no names, all are accepted. Accounts are compared without
    case, as SLURM does: it keeps them in lower case.

    Args:
        partitions: Partitions of the jobs; commas separate alternatives.
        accounts: Accounts of the jobs.

    Raises:
        InputError: A name is unknown (the message lists the known ones), or the executor
            (snakemake_executor_plugin_slurm) would refuse every job: it asks accounting itself.
    """
    if not shutil.which("sacct"):
        raise InputError(
            "slurm: no command 'sacct' here, which Snakemake calls; install it, or put a script "
            "of this name that ends with `exit 1` on PATH"
        )
    _check("partition", _names(partitions), _lines(query("sinfo", "--noheader", "--format=%R")))
    if requested := _names(accounts):
        _check_accounts(requested)


def _names(alternatives: Iterable[str]) -> list[str]:
    return sorted({name.strip() for names in alternatives for name in names.split(",")})


def _lines(answer: str | None) -> list[str]:
    """The names in the answer of a client, one a line; a name may have spaces."""
    return sorted({line.strip() for line in (answer or "").splitlines()} - {""})


def _check_accounts(requested: list[str]) -> None:
    # As the executor does, for each job: sacctmgr, then sshare.
    user = f"user={getpass.getuser()}"
    list_accounts = "sacctmgr --noheader --parsable2 list associations format=account"
    answer = query(*list_accounts.split(), user)
    if not _lines(answer):
        answer = query("sshare", "--Users", "--noheader", "--parsable2", "--format=account")
    if answer is None:
        raise _refused_account(requested[0], "neither sacctmgr nor sshare lists accounts")
    _check("account", requested, _lines(answer), str.casefold)
    for name in requested:
        if " " in name:
            raise _refused_account(name, "it would take the words for several accounts")


def _refused_account(name: str, reason: str) -> InputError:
    """The error for an account that sbatch may know, but Snakemake's executor refuses."""
    return InputError(
        f"slurm: Snakemake cannot use account '{name}': {reason}; remove slurm_account from "
        f"slurm/config.yaml and `export SBATCH_ACCOUNT={shlex.quote(name)}`"
    )


def _check(
    kind: str, requested: list[str], known: list[str], same: Callable[[str], str] = str
) -> None:
    for name in requested:
        if known and same(name) not in map(same, known):
            raise InputError(
                f"slurm: no {kind} '{name}' on this cluster; known: {', '.join(known)}; "
                f"set slurm_{kind} in slurm/config.yaml"
            )


def cancel_orphans(folder: str | Path, comments: Iterable[str]) -> list[str]:
    """Cancel the jobs that a killed Snakemake left running, and wait until they have ended.

    They would write the same files as the jobs about to be submitted. Jobs of another Snakemake in
    the same folder are kept: it holds locks on its output files, so they are different jobs.

    Args:
        folder: The folder from which the jobs were submitted.
        comments: Comments (``sbatch --comment``) of the jobs about to be submitted.

    Returns:
        The ids of the canceled jobs.

    Raises:
        InputError: A job is still running after ``CANCEL_SECONDS``.
    """
    pending = set(comments)
    orphans = [job for job, comment in _jobs_in(folder) if comment in pending] if pending else []
    if not orphans:
        return []
    query("scancel", *orphans)
    deadline = time.monotonic() + CANCEL_SECONDS
    while running := {job for job, _ in _jobs_in(folder)} & set(orphans):
        if time.monotonic() > deadline:
            raise InputError(
                f"slurm: jobs of an earlier run are still running ({', '.join(sorted(running))}); "
                "cancel them with scancel"
            )
        time.sleep(1)
    return orphans


def _jobs_in(folder: str | Path) -> Iterator[tuple[str, str]]:
    """Yield id and comment of each of the user's pending or running jobs in a folder."""
    queue = query("squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%Z|%k")
    for line in (queue or "").splitlines():
        job, working_folder, comment = line.split("|", maxsplit=2)
        if Path(working_folder) == Path(folder):
            yield job, comment
