"""How a run and its jobs end: locks of dead runs, SIGINT and SIGTERM."""

import atexit
import signal
from contextlib import contextmanager
from functools import cache
from threading import Thread

from snakemake.persistence import PersistenceBase

from upsampling_artifacts.pipeline.runs import GRACE_SECONDS, other_runs, start_run


@cache
def this_run():
    """This run, whose lock is held from the first call on; None where there are no locks."""
    try:
        return start_run(Path(".snakemake/runs"))
    except OSError as error:
        logger.info(f"Without the lock of a run, killed runs leave jobs and locks: {error}")
        return None


def lift_stale_locks():
    """Lift the locks of runs that have died, and respect those of others with one line.

    Snakemake asks the user which of the two it is. Neither --nolock nor a dry run gets here.
    """
    lock = PersistenceBase.lock

    @contextmanager
    def lock_or_lift(persistence):
        if own := this_run():
            lift_or_refuse(persistence, other_runs(own.path.parent, own))
        with lock(persistence):
            yield

    PersistenceBase.lock = lock_or_lift


def lift_or_refuse(persistence, runs):
    """Lift the locks if none of these runs is alive, as far as this machine can know.

    A file system may keep its locks to each machine: a run on another one counts as alive if its
    files are ours, too.
    """
    is_locked = persistence.locked
    holders = [run for run in runs if run.is_alive or (is_locked and not run.is_here)]
    if holders and is_locked:
        names = ", ".join(run.description for run in holders)
        remedy = (
            "wait for it" if any(run.is_alive for run in holders) else "--unlock if it has died"
        )
        logger.error(f"Another run makes some of the same files: {names}; {remedy}.")
        sys.exit(1)  # an exception would be printed with its origin
    if holders:
        return
    for run in runs:
        if run.jobs():
            logger.info(f"Ending the jobs of an earlier run that was killed: {run.description}")
            run.end_jobs()
    if is_locked and runs:
        logger.info("Lifted the lock of an earlier run that was killed.")
        persistence.unlock()
        Path(persistence.path, "locks").mkdir(exist_ok=True)  # as Snakemake expects
    for run in runs:
        run.path.unlink(missing_ok=True)


class Stop:
    """Ends the jobs of this run at SIGINT and SIGTERM; a training writes its checkpoint first.

    Snakemake waits for its jobs, and prints an error for each.
    """

    number = None

    @classmethod
    def receive(cls, number, frame):
        """Handle a signal; at a second one, jobs have no more time."""
        grace_seconds = GRACE_SECONDS if cls.number is None else 0
        is_first, cls.number = cls.number is None, number
        Thread(target=cls.end_jobs, args=(grace_seconds,), daemon=True).start()
        if is_first:
            raise KeyboardInterrupt

    @classmethod
    def end_jobs(cls, grace_seconds):
        # Not in the handler: it may have interrupted a line of the log.
        name = signal.Signals(cls.number).name
        log_line(f"{name}: ending the jobs; the same command goes on where they were")
        this_run().end_jobs(grace_seconds)


def end_jobs_when_stopped():
    """Let SIGINT and SIGTERM end this run, where its jobs can be found."""
    if this_run():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, Stop.receive)


def cancel_jobs_when_stopped():
    """Cancel all jobs on a cluster, even those whose states Snakemake is asking for.

    It sets these aside until it has the answer, and would leave them running.
    """
    executor = workflow.scheduler._executor
    cancel = executor.cancel

    def cancel_all():
        known = list(executor.active_jobs)
        cancel()  # waits for the answer
        executor.cancel_jobs([job for job in executor.active_jobs if job not in known])

    executor.cancel = cancel_all


def notice_signals():
    """Let a signal be noticed within a second, at the latest.

    Python handles signals in its main thread, which sleeps on a lock while jobs run. A signal that
    another thread receives, or that arrives just before the main thread falls asleep, does not wake
    it: Ctrl-C would be noticed when a job ends, which may take a day.
    """
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    # Python gives up its handlers when it ends, and this signal would kill it.
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)


if is_main_process():
    lift_stale_locks()
