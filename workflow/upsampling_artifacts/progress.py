"""Progress of long jobs, on a terminal and in a log file; one log per job."""

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

from upsampling_artifacts.errors import InputError, Interrupted, one_line

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """A progress bar on a terminal; in the log, a line every 15 seconds with the time left.

    Args:
        total: Number of steps of the job, including ``done``.
        label: Name of the job, at the start of each line.
        done: Steps completed by an earlier run.
        unit: Name of one step, in the plural.
        max_seconds: Time after which the job may end before its last step.
    """

    def __init__(
        self,
        total: int,
        label: str,
        done: int = 0,
        unit: str = "steps",
        max_seconds: float = math.inf,
    ):
        self.total, self.label, self.done, self.at_start = total, label, done, done
        self.unit, self.max_seconds = unit, max_seconds
        self.started = self.last_line = time.monotonic()
        self.bar = tqdm(
            total=total, initial=done, desc=label, leave=False, disable=not sys.stderr.isatty()
        )

    def step(self, note: str = "", count: int = 1) -> None:
        """Report ``count`` finished steps.

        Args:
            note: Text beside the count, e.g. the loss.
            count: Number of steps.
        """
        if count == 0:
            return
        self.done += count
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(count)
        now = time.monotonic()
        if self.done == self.total or now - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = now
            rate = (self.done - self.at_start) / max(now - self.started, 1e-9)
            max_seconds_left = max(0.0, self.max_seconds - (now - self.started))
            left = timedelta(seconds=round(min((self.total - self.done) / rate, max_seconds_left)))
            note = f", {note}" if note else ""
            logger.info(
                f"{self.label}: {self.done}/{self.total}{note}, {rate:.1f} {self.unit}/s, "
                f"{left} left"
            )
        if self.done == self.total:
            self.close()

    def close(self) -> None:
        """Remove the bar; the last step does this, too."""
        self.bar.close()


def last_lines(path: str | Path, count: int = 5) -> list[str]:
    """The last lines of a log file; none if it does not exist."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return lines[-count:]


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Log to a file and to standard error for the duration of a job.

    An :class:`InputError`, an :class:`OSError` (a full disk) or a lack of memory ends the program
    with one line. So does :class:`Interrupted`, whose exit status (EX_TEMPFAIL) means "try again".
    Any other exception is a bug and is logged with its traceback.

    Args:
        path: The log file; an earlier one is overwritten.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    package = logging.getLogger("upsampling_artifacts")
    package.setLevel(logging.INFO)
    # In data-parallel training (training/distributed.py), the first process logs for all; the
    # others log errors only.
    first_process = os.getenv("LOCAL_RANK", "0") == "0"
    if first_process:
        path.write_text("")
    # In append mode, no process overwrites the lines of another.
    handlers: list[logging.Handler] = [
        logging.FileHandler(path, mode="a"),
        logging.StreamHandler(),
    ]
    for handler in handlers:
        handler.setLevel(logging.INFO if first_process else logging.ERROR)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        package.addHandler(handler)
    try:
        yield
    except (InputError, OSError, MemoryError) as error:
        message = str(error) if isinstance(error, InputError) else one_line(error)
        package.error(f"error: {message}")
        sys.exit(1)
    except Interrupted as interrupted:
        package.info(str(interrupted))
        sys.exit(os.EX_TEMPFAIL)
    except Exception:
        package.exception("unexpected error")
        sys.exit(1)
    finally:
        for handler in handlers:
            package.removeHandler(handler)
            with contextlib.suppress(OSError):
                handler.close()
