"""How far long work is, on a terminal and in a log file."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from upsampling_artifacts.errors import InputError, Interrupted

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """A bar where there is a terminal; a line now and then, with the time left, in the log.

    Args:
        total: Number of steps of the whole work.
        done: Steps that an earlier run has already done.
        label: What the work is, at the start of each line.
        unit: What is counted.
        most_seconds: The work may end before its last step, after so long.
    """

    def __init__(
        self,
        total: int,
        label: str,
        done: int = 0,
        unit: str = "steps",
        most_seconds: float = math.inf,
    ):
        self.total, self.label, self.done, self.at_start = total, label, done, done
        self.unit, self.most_seconds = unit, most_seconds
        self.started = self.last_line = time.monotonic()
        self.bar = tqdm(
            total=total, initial=done, desc=label, leave=False, disable=not sys.stderr.isatty()
        )

    def step(self, note: str = "", count: int = 1) -> None:
        """One step is done, or ``count``; ``note`` (a loss, say) goes beside it."""
        if count == 0:
            return
        self.done += count
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(count)
        now = time.monotonic()
        if self.done == self.total or now - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = now
            rate = (self.done - self.at_start) / max(now - self.started, 1e-9)
            most = max(0.0, self.most_seconds - (now - self.started))
            left = timedelta(seconds=round(min((self.total - self.done) / rate, most)))
            note = f", {note}" if note else ""
            logger.info(
                f"{self.label}: {self.done}/{self.total}{note}, {rate:.1f} {self.unit}/s, "
                f"{left} left"
            )
        if self.done == self.total:
            self.close()

    def close(self) -> None:
        """Take the bar away; a work that reaches its last step does so itself."""
        self.bar.close()


def last_lines(path: str | Path, count: int = 5) -> list[str]:
    """The last lines of a log; none if there is no such file."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return lines[-count:]


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send what the library logs to a file and to standard error, for the length of a job.

    An :class:`InputError`, or a disk that is full, ends the program with its one line, and so
    does :class:`Interrupted`, with an exit status of its own (EX_TEMPFAIL: to be tried again);
    anything else is a fault of ours and keeps its traceback, in the log file too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    package = logging.getLogger("upsampling_artifacts")
    package.setLevel(logging.INFO)
    # A further process of a training on several devices (training/distributed.py): the first
    # process logs for all of them; only its errors are its own.
    further = os.getenv("LOCAL_RANK", "0") != "0"
    if not further:
        path.write_text("")
    # Appending, so that none of several processes writes over what another has written.
    handlers = [logging.FileHandler(path, mode="a"), logging.StreamHandler()]
    for handler in handlers:
        handler.setLevel(logging.ERROR if further else logging.INFO)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        package.addHandler(handler)
    try:
        yield
    except (InputError, OSError) as error:
        message = (
            str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        )
        package.error(f"error: {message}")
        sys.exit(1)
    except Interrupted as stopped:
        package.info(str(stopped))
        sys.exit(os.EX_TEMPFAIL)
    except Exception:
        package.exception("unexpected error")
        sys.exit(1)
    finally:
        for handler in handlers:
            package.removeHandler(handler)
            with contextlib.suppress(OSError):
                handler.close()
