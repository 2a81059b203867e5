"""Everything that this workflow uses of Snakemake beyond its documented interface.

Internals change without notice, so no other file touches them. This one is plain Python, which lets
tests/workflow/test_snakemake_internals.py compare it with the installed version.
"""

import asyncio
import logging
import math
import signal
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from subprocess import CalledProcessError, Popen
from threading import Thread

import snakemake

from snakemake.benchmark import benchmarked
from snakemake.dag import DAG
from snakemake.persistence import PersistenceBase
from snakemake.script import PythonScript
from snakemake.settings.types import Quietness, RerunTrigger
from snakemake_interface_logger_plugins.common import LogEvent

from upsampling_artifacts.pipeline import preloading
from upsampling_artifacts.pipeline.runs import GRACE_SECONDS, job_variables, other_runs, start_run

TESTED_SNAKEMAKE = "9.27"
HIGH = 10  # a priority above those of rules


def warn_if_untested():
    """Log one line if this minor version of Snakemake has not been tested; once, not in each job."""
    installed = ".".join(snakemake.__version__.split(".")[:2])
    if installed != TESTED_SNAKEMAKE and workflow.is_main_process:
        logger.warning(
            f"Snakemake {installed} is untested with this workflow, which uses internals of "
            f"{TESTED_SNAKEMAKE}: the target `train`, retraining with -R train, the log excerpts of "
            "failed jobs, job polling on SLURM and the longest chain in the report may fail. "
            f"If one does: pip install 'snakemake=={TESTED_SNAKEMAKE}.*'"
        )


class AdaptedWorkflow(type(workflow)):
    """A workflow that accepts further target names, and does not ask the user what it can decide.

    Snakemake accepts only rules without wildcards as targets. `train` has wildcards and has to keep
    its name for `-R train`. So the name is replaced by its files when the targets reach the workflow.

    A job would run again if its script is newer than its outputs, as all scripts of a fresh clone
    are. `compare_contents_of_scripts` replaces that.

    What a killed job has left incomplete is made again, without --rerun-incomplete.
    """

    targets = {}

    @property
    def dag_settings(self):
        return self.__dict__.get("dag_settings")

    @dag_settings.setter
    def dag_settings(self, settings):
        if settings:
            files = {file for name in settings.targets for file in self.targets.get(name, [name])}
            triggers = frozenset(settings.rerun_triggers) - {RerunTrigger.CODE}
            settings = replace(
                settings, targets=files, rerun_triggers=triggers, force_incomplete=True
            )
        self.__dict__["dag_settings"] = settings


def add_target(name, files):
    """Let `snakemake NAME` make these files."""
    AdaptedWorkflow.targets[name] = files


def compare_contents_of_scripts():
    """Give each rule a fingerprint of its script as a parameter, so that a change re-runs its jobs.

    Rules without outputs run whenever they are named.
    """

    def contents(path, wildcards):
        return fingerprint.script_fingerprint(path)

    for each in workflow.rules:  # `rule` is a keyword of Snakemake's
        if each.script and each.output:
            path = Path(workflow.basedir, "workflow/rules", each.script)
            each.set_params(script=partial(contents, path))


def is_main_process():
    """Whether this process plans the run; the process of a job reads the rules, too."""
    return workflow.is_main_process


def started_homes():
    """In the process of a job, where the run that started it found what is shared."""
    return {} if is_main_process() else sharing.read_homes(config["experiment"])


def planned_jobs(rule=None):
    """The jobs that will run, of one rule or of all."""
    return [job for job in workflow.dag.needrun_jobs() if rule in (None, job.rule.name)]


def makes_files():
    """Whether a job that will run has outputs; `plan` has none."""
    return any(job.output for job in planned_jobs()) and not only_touches_files()


def every_core(threads):
    """The threads of a job that has the machine to itself: all cores that this run may use.

    On a cluster, a run has no number of cores, and the process of a job, which sees those of its
    node, got no more than it asked for.

    Args:
        threads: Those that it asks for on a cluster.
    """

    def number(wildcards):
        cores = workflow.resource_settings.cores if workflow.is_main_process else None
        return max(threads, cores or 1)

    return number


def job_name(job):
    """The rule of a job and its wildcards, but for the experiment's own name."""
    own = ("experiment", config["experiment"])
    return " ".join([job.rule.name, *(v for k, v in job.wildcards.items() if (k, v) != own)])


def is_forced(job):
    """Whether the command line forces the job to run (-R, -F, -f)."""
    return workflow.dag.reason(job).forced


def failed_jobs():
    """The jobs that failed for good; those of a group one by one."""
    return [
        job
        for failure in sorted(workflow.scheduler.failed, key=str)
        for job in getattr(failure, "jobs", [failure])
    ]


def runs_on_slurm():
    return workflow.executor_plugin.name == "slurm"


def runs_locally():
    return workflow.executor_plugin.name == "local"


def only_touches_files():
    """Whether Snakemake was called with --touch."""
    return workflow.touch


def working_directory():
    return workflow.workdir_init


def slurm_log_folder():
    return Path(getattr(workflow.executor_settings, "logdir", None) or "logs/slurm")


def limit_polling_interval():
    """Poll SLURM at least every `seconds-between-status-checks`, and stop when Snakemake stops.

    By default the interval grows to three minutes, and Ctrl-C waits for the last one to pass.
    """
    executor = workflow.scheduler._executor
    longest_seconds = workflow.remote_execution_settings.seconds_between_status_checks

    async def sleep():
        end = time.monotonic() + min(executor.next_seconds_between_status_checks, longest_seconds)
        while executor.wait and time.monotonic() < end:
            await asyncio.sleep(0.5)

    executor.sleep = sleep


def start_jobs_at_once():
    """Do not limit how many jobs start per second, which is meant for clusters.

    The limit sets a timer of a second for every job that has ended. Snakemake waits for the last one,
    and the timers of hundreds of jobs keep a core busy.
    """
    workflow.scheduler.job_rate_limiter = None


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


def start_scripts(preloaded):
    """Start the scripts of jobs as processes of this run, with one line if one fails.

    Each has a session of its own, which Ctrl-C does not reach (`Stop` ends it): an interpreter that
    is interrupted while it starts prints the 18,000 characters that Snakemake puts before a script.
    Scripts of an environment of their own start as ever.

    Args:
        preloaded: Start those with one thread from a process that has imported the packages. With
            several threads, their number is fixed when the packages are imported.
    """
    start_as_ever = PythonScript.execute_script
    variables = {**os.environ, **(job_variables(this_run()) if this_run() else {})}

    def execute_script(script, path, edit=False):
        if script.conda_env or script.container_img or script.env_modules or edit:
            return start_as_ever(script, path, edit)
        environment = variables | preloading.thread_variables(script.threads)
        if folder := script.resources.get("tmpdir"):
            environment["TMPDIR"] = folder
        if Stop.number:
            raise KeyboardInterrupt
        start = preloading.start_script if preloaded and script.threads == 1 else start_interpreter
        process = start(path, environment)
        record = script.bench_record
        with benchmarked(process.pid, record) if record else nullcontext():
            status = exit_status(process)
        if Stop.number:
            raise KeyboardInterrupt  # which Snakemake passes over in silence
        if status:
            raise CalledProcessError(status, f"python {path}")

    if preloaded:
        preloading.preload(job_variables(this_run()) if this_run() else {})
    PythonScript.execute_script = execute_script


def start_interpreter(path, environment):
    """Run a Python script in a new interpreter."""
    return Popen([sys.executable, path], env=environment, start_new_session=True)


def exit_status(process):
    """Wait for a process, of `subprocess` or `multiprocessing`."""
    if isinstance(process, Popen):
        return process.wait()
    process.join()
    return process.exitcode


def run_first(files):
    """Run the jobs that make these files, and all that they need, before others."""
    workflow.dag.priorityfiles.update(files)
    workflow.dag.update_priority()
    # Snakemake's "highest" is 2^63 - 1, which its solver cannot weigh: it would report each failure.
    priorities = workflow.dag._priority
    priorities.update({job: min(priority, HIGH) for job, priority in priorities.items()})


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
        self.time_left.finish(job.rule.name, now - self.started_at.get(job_id, now))
        n_left = self.time_left.left.total()
        if n_left:
            left = timedelta(seconds=round(self.time_left.seconds_left(now - self.began)))
            n_done = sum(map(len, self.time_left.seconds.values()))
            log_line(f"{n_done} of {n_done + n_left} jobs, {left} left: {job_name(job)}")
        for name in self.milestones.reached(map(str, job.output)):
            log_line(f"ready: {name}")


def log_line(text):
    logger.info(f"{time.strftime('%H:%M:%S')} {text}")


def benchmark_files():
    """For each rule, in the order of the workflow, the benchmark files of its jobs."""
    files = {rule.name: [] for rule in workflow.rules}
    for job in workflow.dag.jobs:
        if job.benchmark:
            files[job.rule.name].append(str(job.benchmark))
    return {rule: sorted(paths) for rule, paths in files.items() if paths}


def benchmark_dependencies():
    """For each benchmark file, those of the jobs that its job waits for.

    Jobs without a benchmark file are passed through: a training run waits for a list of songs, which
    waits for the cache. Jobs that are up to date are included.
    """
    dependencies = workflow.dag.dependencies

    @cache
    def nearest_benchmarks(job):
        files = set()
        for earlier in dependencies[job]:
            files |= {str(earlier.benchmark)} if earlier.benchmark else nearest_benchmarks(earlier)
        return files

    return {
        str(job.benchmark): sorted(nearest_benchmarks(job))
        for job in workflow.dag.jobs
        if job.benchmark
    }


def shorten_summary():
    """Let the summary of a dry run fit a screen, where `quiet` is set.

    Snakemake prints a line per rule, sixty for this workflow, before and after the list of jobs, even
    if `quiet: rules` leaves the list out: print columns, once. It prints the reasons for all jobs,
    even with `quiet: reason`.
    """
    count_jobs, print_reasons = DAG.stats, DAG.print_reasons
    printed = []

    def is_quiet_about(kind):
        return kind in (workflow.output_settings.quiet or ())

    def count_in_columns(dag):
        message, counts = count_jobs(dag)
        if is_quiet_about(Quietness.RULES):
            cells = [f"{number:5}  {rule:23}" for rule, number in counts.items()]
            n_lines = math.ceil(len(cells) / 3)
            lines = ["".join(cells[line::n_lines]).rstrip() for line in range(n_lines)]
            message = f"Jobs: {counts['total']}" if printed else "\n".join(["Jobs:", *lines])
            printed.append(message)
        return message, counts

    def print_wanted_reasons(dag):
        if not is_quiet_about(Quietness.REASON):
            print_reasons(dag)

    DAG.stats, DAG.print_reasons = count_in_columns, print_wanted_reasons


shorten_summary()
workflow.__class__ = AdaptedWorkflow
if workflow.is_main_process:
    lift_stale_locks()
warn_if_untested()
