"""How jobs are started: their order, their pace, and the processes of scripts."""

import asyncio
import signal
import time
from contextlib import nullcontext, suppress
from subprocess import CalledProcessError, Popen

from snakemake.benchmark import benchmarked
from snakemake.script import PythonScript

from upsampling_artifacts.pipeline import output_checksums, preloading
from upsampling_artifacts.pipeline.runs import job_variables

HIGH = 10  # a priority above those of rules


def run_first(*groups):
    """Run the jobs that make the files of the first group, and all that they need, before others.

    Then those of the second group, and so on.
    """
    dag, asked_for, priorities = workflow.dag, set(workflow.dag.priorityfiles), {}
    for n_groups in range(len(groups), 0, -1):
        dag.priorityfiles = asked_for.union(*groups[:n_groups])
        dag.update_priority()
        # Snakemake's "highest" is 2^63 - 1, which its solver cannot weigh: it would report each
        # failure.
        limit = HIGH * (len(groups) - n_groups + 1)
        for job, priority in dag._priority.items():
            priorities[job] = max(priorities.get(job, 0), min(priority, limit))
    dag._priority.update(priorities)


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
            end_session(process.pid)
            raise CalledProcessError(status, f"python {path}")

    if preloaded:
        preloading.preload(job_variables(this_run()) if this_run() else {})
    PythonScript.execute_script = execute_script


def check_what_jobs_read():
    """Let a job refuse inputs that have changed since another wrote them; in the job's process, too.

    The records are complete before Snakemake takes the job for complete: what it makes again after a
    kill has no use for them.
    """
    evaluate = PythonScript.evaluate

    def evaluate_and_record(script, edit=False):
        try:
            output_checksums.check_inputs(script.input)
            evaluate(script, edit)
            output_checksums.record_outputs(script.output)
        except (InputError, OSError) as error:
            # After the lines of the script.
            with suppress(OSError), Path(script.log[0]).open("a") as log:
                log.write(f"error: {error}\n")
            raise CalledProcessError(1, script.rulename) from None

    PythonScript.evaluate = evaluate_and_record


def check_finished_outputs():
    """Refuse a plan whose results have changed since they were written, and which no job checks."""
    try:
        output_checksums.check_inputs(finished_outputs())
    except (InputError, OSError) as error:
        logger.error(f"error: {error}")
        sys.exit(1)  # an exception would be printed with its origin


def start_interpreter(path, environment):
    """Run a Python script in a new interpreter."""
    return Popen([sys.executable, path], env=environment, start_new_session=True)


def end_session(number):
    """Kill the other processes of a script that has failed, or was killed.

    Snakemake removes its outputs, and they would write some of them again.
    """
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)


def exit_status(process):
    """Wait for a process, of `subprocess` or `multiprocessing`."""
    if isinstance(process, Popen):
        return process.wait()
    process.join()
    return process.exitcode
