"""When a long job must stop early: on a signal, or shortly before its time limit.

A cluster sends SIGTERM, and soon after SIGKILL, to a job that exceeds its time limit or is
preempted; it can be configured to send SIGUSR1 some time before. The signal handler only records
the signal: the job checks for it between two steps, where it can stop. Nothing is saved inside a
handler.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

FIXED_SECONDS = 30.0
"""Margin for what the job does before this process starts, and after it has saved."""

SAVING_FACTOR = 2.0
"""Margin for saving: a disk that is twice as slow as last time."""


class Interruption:
    """Context manager that records signals and watches the time limit.

    Args:
        runtime_minutes: The job's time limit, from the start of this process; None for no limit.
            If SLURM announces an end time, the earlier of the two applies.
    """

    def __init__(self, runtime_minutes: float | None = None):
        limits = []
        if runtime_minutes is not None:
            limits.append(60 * runtime_minutes - process_seconds())
        if end_time := os.getenv("SLURM_JOB_END_TIME"):
            limits.append(float(end_time) - time.time())
        self.deadline = time.monotonic() + min(limits, default=float("inf"))
        self.signal: str | None = None
        self.last_check: float | None = None
        self.longest_seconds = 0.0

    def __enter__(self) -> Interruption:
        # Python allows signal handlers in the main thread only; a notebook may use another.
        main = threading.current_thread() is threading.main_thread()
        self.handlers_before = {
            number: signal.signal(number, self._record) for number in SIGNALS if main
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.handlers_before.items():
            signal.signal(number, handler)

    def _record(self, number: int, _: object) -> None:
        received = signal.Signals(number)
        self.signal = received.name
        if received == signal.SIGINT:  # a second Ctrl-C ends the process at once
            signal.signal(received, self.handlers_before[received])

    def reason(self, saving_seconds: float) -> str | None:
        """Why the job must stop now, or None. Call it between any two steps.

        Time is up if the remaining time might not suffice for one more step, as long as the longest
        so far (one with a validation), and for saving after it.

        Args:
            saving_seconds: How long saving takes, in seconds.

        Returns:
            The name of the signal received, ``"its time limit"``, or None.
        """
        now = time.monotonic()
        if self.last_check is not None:
            self.longest_seconds = max(self.longest_seconds, now - self.last_check)
        self.last_check = now
        if self.signal:
            return self.signal
        margin = FIXED_SECONDS + SAVING_FACTOR * saving_seconds + self.longest_seconds
        return "its time limit" if now + margin > self.deadline else None


def ignore_signals(_: int = 0) -> None:
    """Ignore the signals in a data-loading worker, which ends with its parent.

    A cluster signals every process of a job. A worker that dies would end the training before it
    has saved.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def process_seconds() -> float:
    """Seconds since this process started; 0 on systems other than Linux."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
