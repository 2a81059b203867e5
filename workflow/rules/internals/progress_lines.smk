"""A line for each finished job, in place of Snakemake's."""

import logging
import time
from collections import Counter
from datetime import timedelta

from snakemake_interface_logger_plugins.common import LogEvent

from upsampling_artifacts.pipeline import run_progress


class ProgressLines(logging.Handler):
    """Logs a line for each finished job, with the time left, and what is ready to be looked at.

    Snakemake's own lines, six for each job, count jobs, of which some take a second and some minutes.

    Args:
        recorded_seconds: Mean seconds of each rule's jobs in a recorded run.
        milestones: Results by name, with their files.
    """

    REPLACED = (LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS)

    def __init__(self, recorded_seconds, milestones):
        super().__init__()
        self.time_left = run_progress.TimeLeft(Counter(), recorded_seconds)
        self.plan()
        files = [str(file) for job in self.jobs.values() for file in job.output]
        self.milestones = run_progress.Milestones(milestones, files)
        self.started_at = {}
        self.began = time.monotonic()

    def plan(self):
        self.jobs = {job.jobid: job for job in planned_jobs()}
        self.time_left.left = Counter(job.rule.name for job in self.jobs.values())

    def start(self):
        for handler in logger.handlers:
            handler.addFilter(self.is_not_replaced)
        logger.addHandler(self)

    def is_not_replaced(self, record):
        is_selection = str(record.msg).startswith("Select jobs")
        return not is_selection and getattr(record, "event", None) not in self.REPLACED

    def emit(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_STARTED:
            self.started_at.update(dict.fromkeys(record.jobs, time.monotonic()))
        elif event == LogEvent.JOB_FINISHED:
            self.finish(record.job_id)

    def finish(self, job_id):
        if job_id not in self.jobs:  # planned later, after a checkpoint
            self.plan()
        job, now = self.jobs[job_id], time.monotonic()
        self.time_left.finish(job.rule.name, now - self.started_at.pop(job_id, now))
        n_left = self.time_left.left.total()
        if n_left:
            running_seconds = sum(now - started_at for started_at in self.started_at.values())
            left_seconds = self.time_left.seconds_left(now - self.began, running_seconds)
            left = timedelta(seconds=round(left_seconds))
            n_done = sum(map(len, self.time_left.seconds.values()))
            log_line(f"{n_done} of {n_done + n_left} jobs, {left} left: {job_name(job)}")
        for name in self.milestones.reached(map(str, job.output)):
            log_line(f"ready: {name}")


def log_line(text):
    logger.info(f"{time.strftime('%H:%M:%S')} {text}")
