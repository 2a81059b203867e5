"""When long work has to stop before its end: on a signal, or before its time is up.

A cluster ends a job that passes its time limit, or whose place it needs, with SIGTERM and soon
after SIGKILL; it can be told to send SIGUSR1 some time before. A handler only notes the signal:
the work looks at it where it can stop, between two steps. Nothing is ever saved inside a handler.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
# For what happens in a job outside this process (before it starts and after it has saved), and
# for saving: a disk that is twice as slow as the last time.
FIXED_SECONDS = 30.0
SAVING_FACTOR = 2.0


class Interruption:
    """Notes signals between ``with`` and its end, and knows when the time is up.

    Args:
        runtime_minutes: The job's time limit, counted from the start of this process; None if
            there is none. Where SLURM says when the job ends, that counts too.
    """

    def __init__(self, runtime_minutes: float | None = None):
        limits = []
        if runtime_minutes is not None:
            limits.append(60 * runtime_minutes - process_seconds())
        if end_time := os.getenv("SLURM_JOB_END_TIME"):
            limits.append(float(end_time) - time.time())
        self.deadline = time.monotonic() + min(limits, default=float("inf"))
        self.signal: str | None = None
        self.last_look: float | None = None
        self.longest_seconds = 0.0

    def __enter__(self) -> Interruption:
        # Elsewhere (in a thread of a notebook, say) Python allows no handlers.
        here = threading.current_thread() is threading.main_thread()
        self.before = {number: signal.signal(number, self._note) for number in SIGNALS if here}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self.signal = signal.Signals(number).name
        if number == signal.SIGINT:  # whoever presses Ctrl-C twice does not want to wait
            signal.signal(number, self.before[number])

    def reason(self, saving_seconds: float) -> str | None:
        """Why to stop now, if there is a reason. To be asked between any two steps.

        The time is up when there might not be enough left for one more step, even if it takes
        as long as the longest so far (one with a validation), and for saving.

        Args:
            saving_seconds: How long saving is known to take.
        """
        now = time.monotonic()
        if self.last_look is not None:
            self.longest_seconds = max(self.longest_seconds, now - self.last_look)
        self.last_look = now
        if self.signal:
            return self.signal
        margin = FIXED_SECONDS + SAVING_FACTOR * saving_seconds + self.longest_seconds
        return "its time limit" if now + margin > self.deadline else None


def ignore_signals(_: int = 0) -> None:
    """Ignore what asks the work to stop: for its helpers, which end with it.

    A cluster sends its signals to every process of a job; a loading process that dies of one
    would take the training with it before it has saved.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def process_seconds() -> float:
    """Seconds since this process began; on systems other than Linux, 0."""
    try:
        began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")
