"""What training reports: its progress, and why it ended."""

from __future__ import annotations

import logging

from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)


class Reporter:
    """Reports the progress of training, and why it ended.

    Args:
        label: Names the training run in every message.
        total: Number of steps of the training run.
        first: Steps that earlier jobs have taken.
        seconds_left: Time after which training ends even before its last step.
        visible: Whether to show progress; of several processes, only the first does.
    """

    def __init__(
        self, label: str, total: int, *, first: int, seconds_left: float, visible: bool = True
    ):
        self.label, self.total = label, total
        self.progress = (
            Progress(total, label, done=first, max_seconds=seconds_left) if visible else None
        )

    def step(self, loss: float, waiting_percent: float) -> None:
        """Show the loss of a step, and the share of the time spent waiting for data."""
        if self.progress:
            self.progress.step(f"loss {loss:.4f}, {waiting_percent:.1f} % waiting for data")

    def ended_early(self, step: int, minutes: float) -> None:
        """Report that ``training.minutes`` ended training before its last step."""
        if self.progress:
            self.progress.close()
            logger.info(
                f"{self.label}: ended at step {step} of at most {self.total}, "
                f"after the first epoch to end past {minutes:g} minutes (training.minutes)"
            )

    def diverged(self, loss: float, step: int, which: str = "the loss") -> InputError:
        """The error to raise if the loss is infinite or not a number."""
        return InputError(
            f"{self.label}: {which} is {loss} at step {step}; lower training.learning_rate"
        )

    def interrupted(self, reason: str | None, step: int) -> Interrupted:
        """The error to raise on an interruption.

        Args:
            reason: What interrupted this process; None if another process was interrupted.
            step: Number of steps taken.
        """
        by = reason or "another process"
        return Interrupted(
            f"{self.label}: stopped by {by} at step {step} of {self.total}; "
            "its checkpoint is saved, and the next start resumes from it"
        )
