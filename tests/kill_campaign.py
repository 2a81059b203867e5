"""Kill runs at random moments, type the same command again, and compare the tables.

`python -m tests.kill_campaign N [SEED]` kills N runs of the tiny experiment on two cores, or one of
their threads, their jobs or their process group, with SIGKILL, SIGTERM or SIGINT, over all stages.
The same command follows each kill until the experiment is complete, or ten of its runs were killed
and the next one may finish; then its tables and models are compared with those of an undisturbed
run, and the next experiment begins. Prints a line for each kill and each experiment; the exit
status tells whether the same command was always enough, with the same bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from upsampling_artifacts.pipeline import output_checksums
from upsampling_artifacts.pipeline.runs import Run

from .clone import TINY, Clone, copy_repository, plain_environment

COMMAND = ("snakemake", "--cores", "2", "--configfile", TINY, "--quiet", "rules")
VICTIMS = ("run", "thread", "job", "group")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
END_SECONDS = 30.0  # of a run, and of the jobs of one that was killed
ORPHAN_SECONDS = 120.0  # after its end, a run's jobs are orphans; a run that takes it does not end
LONGEST_SECONDS = 5.0, 25.0, 100.0  # from the first job of a run to its end
KILLS_OF_ONE = 10  # experiment, so that many are compared
TIMED = {  # columns of measured times, which differ in two undisturbed runs
    "training.csv": ["steps_per_second", "waiting_percent", "seconds"],
    "table_1.csv": ["epoch_seconds", "epoch_ratio"],
}


@dataclass
class Kill:
    """One kill, and what followed.

    Attributes:
        victim: The run, one of its threads but the main one, one of its jobs, or its process group.
        number: The signal.
        jobs_done: Jobs that the run had finished.
        end_seconds: Until the run and its jobs had ended.
        faults: What went wrong.
    """

    victim: str
    number: signal.Signals
    jobs_done: int = 0
    end_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        end = f"after {self.jobs_done} jobs, ended in {self.end_seconds:.1f} s"
        return f"{self.victim} {self.number.name} {end} {'; '.join(self.faults)}".rstrip()


def kill_once(
    clone: Clone,
    kill: Kill,
    delay_seconds: float,
    command: tuple[str, ...] = COMMAND,
    happened: Callable[[], bool] = lambda: True,
) -> bool:
    """Start the experiment and kill it; return whether it ended before.

    Args:
        clone: Where to start it.
        kill: What to kill; its other attributes are filled in.
        delay_seconds: Time after the run has started jobs, and after what has ``happened``.
        command: The command of the run.
        happened: What to wait for.
    """
    log = clone.root / "output.txt"
    with log.open("w") as output:
        snakemake = subprocess.Popen(
            command, cwd=clone.root, env=plain_environment(), stdout=output,
            stderr=subprocess.STDOUT, process_group=0,
        )  # fmt: skip
    run = wait_for_jobs(clone, snakemake)
    while run and snakemake.poll() is None and not happened():
        time.sleep(0.1)
    if run:
        wait(snakemake, delay_seconds)
    if snakemake.poll() is not None:
        if snakemake.returncode:
            kill.faults.append(f"exit status {snakemake.returncode}: {log.read_text()[-2000:]}")
        return True
    assert run
    if len(list(run.path.parent.glob(f"{snakemake.pid}-*"))) > 1:
        kill.faults.append("more than one lock")
    send(kill, snakemake, run)
    started = time.monotonic()
    wait(snakemake, ORPHAN_SECONDS)
    if snakemake.poll() is None:
        kill.faults.append("did not end")
        snakemake.kill()
        snakemake.wait()
    ended = time.monotonic()
    while orphans := run.jobs():
        if time.monotonic() > ended + ORPHAN_SECONDS:
            kill.faults.append(f"{len(orphans)} orphans")
            run.end_jobs(0)
        time.sleep(0.1)
    kill.end_seconds = time.monotonic() - started
    text = log.read_text()
    kill.jobs_done = len(re.findall(r"\d+ of \d+ jobs, ", text))
    if kill.victim != "job" and kill.end_seconds > END_SECONDS:
        kill.faults.append("too late")
    if max(map(len, text.splitlines())) > 1000:
        kill.faults.append("a long line")
    return False


def wait_for_jobs(clone: Clone, snakemake: subprocess.Popen[bytes]) -> Run | None:
    """Wait until a run has started jobs."""
    while snakemake.poll() is None:
        for path in clone.root.glob(f".snakemake/runs/{snakemake.pid}-*"):
            if job_processes(Run(path)):
                return Run(path)
        time.sleep(0.1)
    return None


def job_processes(run: Run) -> list[int]:
    """The first process of each job: a session of its own."""
    return [process for process in run.jobs() if leads_a_session(process)]


def leads_a_session(process: int) -> bool:
    try:
        return os.getsid(process) == process
    except ProcessLookupError:  # it has ended since
        return False


def wait(snakemake: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        snakemake.wait(seconds)


def send(kill: Kill, snakemake: subprocess.Popen[bytes], run: Run) -> None:
    if kill.victim == "group":
        os.killpg(snakemake.pid, kill.number)
    elif kill.victim == "run":
        snakemake.send_signal(kill.number)
    elif kill.victim == "thread":  # as the kernel may do; it does not wake the main thread
        threads = [int(path.name) for path in Path(f"/proc/{snakemake.pid}/task").iterdir()]
        ctypes.CDLL(None).tgkill(snakemake.pid, max(threads), kill.number)
    else:
        while snakemake.poll() is None:
            if jobs := job_processes(run):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(random.choice(jobs), kill.number)
                    return
            time.sleep(0.01)


def compared_files(clone: Clone) -> dict[str, bytes]:
    """All tables and models, by path, without measured times."""
    root = clone.root / "results/tiny"
    paths = [path.relative_to(root) for path in sorted(root.rglob("*"))]
    return {
        str(path): without_times(root / path)
        for path in paths
        if path.suffix in (".csv", ".safetensors")
        and path.parts[0] not in ("benchmarks", output_checksums.FOLDER)
    }


def without_times(path: Path) -> bytes:
    """The contents of a file, without measured times."""
    if path.suffix != ".csv":
        return path.read_bytes()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = table.drop(columns=TIMED.get(path.name, []), errors="ignore")
    if "measure" in table:
        table = table[table["measure"] != "step_seconds"]
    return table.to_csv(index=False).encode()


def differing(clone: Clone, undisturbed: Clone) -> list[str]:
    """The files that differ, are missing, or are too many."""
    ours, theirs = compared_files(clone), compared_files(undisturbed)
    return sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name))


@dataclass
class End:
    """The end of an experiment whose runs were killed.

    Attributes:
        n_files: Tables and models that it has.
        faults: What went wrong.
    """

    n_files: int
    faults: list[str]

    def __str__(self) -> str:
        return f"complete: {self.n_files} files; {'; '.join(self.faults) or 'none differs'}"


def moment(chance: random.Random) -> float:
    """Seconds from the first job of a run to its end: often a few, seldom many."""
    return chance.uniform(0, chance.choice(LONGEST_SECONDS))


def campaign(n_kills: int, seed: int, folder: Path, undisturbed: Clone) -> Iterator[Kill | End]:
    """Kill that many times, and compare the files of each experiment with the undisturbed ones.

    Args:
        n_kills: How many kills.
        seed: Seed of the random moments.
        folder: An empty folder.
        undisturbed: A clone with the experiment of an undisturbed run.
    """
    chance = random.Random(seed)
    kinds = [Kill(victim, number) for number in SIGNALS for victim in VICTIMS]
    kills = [replace(kinds[n % len(kinds)], faults=[]) for n in range(n_kills)]
    while kills:
        clone = copy_repository(folder / f"with_{len(kills)}_kills_left")
        for _ in range(min(KILLS_OF_ONE, len(kills))):
            if kill_once(clone, kills[0], moment(chance)):
                break
            yield kills.pop(0)
        if kills and kills[0].faults:  # the same command was not enough
            yield kills.pop(0)
            continue
        result = clone.run(*COMMAND)
        faults = [f"differs: {name}" for name in differing(clone, undisturbed)]
        if result.returncode:
            faults.insert(0, f"exit status {result.returncode}: {result.stdout[-2000:]}")
        yield End(len(compared_files(clone)), faults)
        shutil.rmtree(clone.root)


def main(n_kills: int = 50, seed: int = 0) -> int:
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = copy_repository(Path(folder, "undisturbed"))
        result = undisturbed.run(*COMMAND)
        assert result.returncode == 0, result.stdout
        n_faults = 0
        for step in campaign(n_kills, seed, Path(folder), undisturbed):
            print(time.strftime("%H:%M:%S"), step, flush=True)
            n_faults += bool(step.faults)
    print(f"{n_kills} kills, {n_faults} faults")
    return int(n_faults > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
