"""Before the first job and after a failed one; what a cluster needs beyond rules."""

import asyncio
import signal
import time

from upsampling_artifacts.pipeline import cluster
from upsampling_artifacts.progress import last_lines

# Where sbatch is told to send SIGUSR1 before a job's time is up, every process of the job gets it.
# It is for the training, which saves; Snakemake and its shell would die of it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


# A second or two each: a place in the queue would take longer.
localrules:
    all,
    probes,
    songs_setup,
    excerpt,
    out_of_distribution,
    measures,
    trained_measures,
    claims,
    scores,
    table_1,
    figure_line_levels,
    figure_spectrograms,
    figure_training_curves,
    figure_source_scores,
    figure_trade_offs,
    figure_step_speed,
    figure_layer_speed,
    figure_layers,
    figure_models,
    figure_overlap,
    figure_ones,
    figure_stacks,


def prepare_cluster():
    """Before the first job is sent: do names fit, and is nothing left of a run before?"""
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    asked = {job.rule.name: job.resources for job in jobs}.values()
    names = {
        key: [str(resources[key]) for resources in asked if resources.get(key)]
        for key in ("slurm_partition", "slurm_account")
    }
    cluster.check_names(names["slurm_partition"], names["slurm_account"])
    comments = [cluster.comment(job.rule.name, job.wildcards) for job in jobs]
    ended = cluster.cancel_orphans(workflow.workdir_init, comments)
    if ended:
        logger.info(f"slurm: ended jobs that an earlier run left behind: {', '.join(ended)}")


def tell_cache():
    """How large the cache of the songs that are to be decoded is; it must fit."""
    songs = [job.wildcards.song for job in workflow.dag.needrun_jobs() if job.rule.name == "cache"]
    if songs and not workflow.touch:
        line, fits = planning.cache_room(*cache_need(songs), "results")
        if not fits:
            raise InputError(line)
        logger.info(line)


def forget_checkpoints():
    """Who forces a training (-R, -F) wants it from its first step.

    That is decided here, once per command, and not by the job: tried again, or requeued by a
    cluster, the job has to go on.
    """
    for job in workflow.dag.needrun_jobs():
        if job.rule.name == "train" and workflow.dag.reason(job).forced and not workflow.touch:
            Path(job.params.checkpoint).unlink(missing_ok=True)


def watch(executor, longest_seconds):
    """Look at the jobs at least this often, and stop at once when Snakemake is to end.

    Left alone, the executor's pauses grow to three minutes, and Ctrl-C waits for the last one.
    """

    async def sleep():
        end = time.monotonic() + min(executor.next_seconds_between_status_checks, longest_seconds)
        while executor.wait and time.monotonic() < end:
            await asyncio.sleep(0.5)

    executor.sleep = sleep


def show_failure(job):
    """The last lines of a failed job's log, and what SLURM had to say."""
    logger.error(f"\n{' '.join([job.rule.name, *job.wildcards])} failed.")
    logs = {Path(path): last_lines(path) for path in job.log}
    folder = Path(getattr(workflow.executor_settings, "logdir", None) or "logs/slurm")
    kept = folder / f"rule_{job.rule.name}" / cluster.joined(job.wildcards)
    for path in sorted(kept.glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]:
        logs[path] = [line for line in last_lines(path, 50) if line.startswith(("slurm", "srun"))]
    for path, lines in logs.items():
        if lines:
            logger.error("\n".join([f"{path} ends with:", *(f"    {line}" for line in lines)]))


def tell_broken_songs(jobs):
    """The one line of config that leaves out all the songs that were found broken."""
    songs = [
        job.wildcards.song
        for job in jobs
        if datasets.LEAVE_OUT in "".join(last_lines(job.log[0]))
        and job.wildcards.song not in SONGS["excerpt"]
    ]
    if songs:
        logger.error(
            f"\nBroken songs: {len(songs)}. Mend them, or leave them out with this line in config:"
            f"\n    {datasets.exclusion([*config['exclude_songs'], *songs])}"
        )


# Snakemake keeps one onstart, the last: whatever is to happen then goes here.
onstart:
    try:
        tell_cache()
        if workflow.executor_plugin.name == "slurm":
            prepare_cluster()
    except InputError as error:
        raise WorkflowError(str(error)) from None
    if workflow.executor_plugin.name == "slurm":
        watch(
            workflow.scheduler._executor,
            workflow.remote_execution_settings.seconds_between_status_checks,
        )
    forget_checkpoints()  # after a job left behind has written its last


onerror:
    failed = [
        job
        for failure in sorted(workflow.scheduler.failed, key=str)
        for job in getattr(failure, "jobs", [failure])
    ]
    for job in failed:
        show_failure(job)
    tell_broken_songs([job for job in failed if job.rule.name == "cache"])
