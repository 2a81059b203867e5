"""Before the first job and after a failed one."""

from upsampling_artifacts.files import check_writable
from upsampling_artifacts.pipeline import accelerators, cluster, dry_builds, run_progress
from upsampling_artifacts.progress import last_lines

JOB_COSTS = "results/reference/job_costs.csv"
# Systems and seeds that are trained first, so that something can be looked at early.
FIRST_RUNS = FIRST_SEED[:2]
PAPER_FIGURES = [
    *SMALL_FIGURES,
    *(f"{FIGURES}/{name}.{kind}" for name in MODEL_FIGURES for kind in ("png", "svg")),
]
FIRST_RESULTS = [
    *runs("probe/trained.csv", FIRST_RUNS),
    *runs("probe/initialization.csv", FIRST_RUNS),
    *runs("scores.csv", FIRST_RUNS),
]
# What is ready before the report, in the order in which it is made.
MILESTONES = {
    f"the paper's figures, in {FIGURES}": PAPER_FIGURES,
    f"{' and '.join(system for system, _ in FIRST_RUNS)}, seed {config['seeds'][0]}: trained, probed "
    f"and scored, in {RESULTS}/variants": FIRST_RESULTS,
    f"tones before and after training, {rules.trained_measures.output[0]}": rules.trained_measures.output,
    f"claims, {rules.claims.output[0]}": rules.claims.output,
    f"Table 1, {rules.table_1.output[0]}": rules.table_1.output,
}

# Importing the packages once takes as long as importing them in two or three jobs.
FEW_JOBS = 10


def prepare_cluster():
    """Check the names of partitions and accounts, and cancel jobs left by an earlier run."""
    jobs = [job for job in planned_jobs() if not job.is_local]
    requested = {job.rule.name: job.resources for job in jobs}.values()
    names = {
        key: [str(resources[key]) for resources in requested if resources.get(key)]
        for key in ("slurm_partition", "slurm_account")
    }
    cluster.check_names(names["slurm_partition"], names["slurm_account"])
    comments = [cluster.job_comment(job.rule.name, job.wildcards) for job in jobs]
    canceled = cluster.cancel_orphans(working_directory(), comments)
    if canceled:
        logger.info(f"slurm: canceled jobs left by an earlier run: {', '.join(canceled)}")


def check_cache_size():
    """Log how large the cache of the songs to be decoded will be; refuse if it does not fit."""
    songs = [job.wildcards.song for job in planned_jobs("cache")]
    if songs and not only_touches_files():
        line, fits = planning.cache_room(*cache_growth(songs), "results")
        if not fits:
            raise InputError(line)
        logger.info(line)


def check_gpus():
    """Refuse to train on a GPU that is not there, before the first job."""
    asked = {
        job.wildcards.system: TRAINING[job.wildcards.system]["accelerator"]
        for job in planned_jobs("train")
    }
    fault = accelerators.missing_gpu(asked)
    if fault and runs_locally() and not only_touches_files():
        raise InputError(fault)


# While the run is planned, dry or not; not in the process of each job.
if is_main_process():
    try:
        check_writable(".snakemake")
        dry_builds.check(used_networks(), NETWORKS, code_fingerprint)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    # A dry run does not know where jobs will run: on this machine, or on a cluster's.
    without_gpu = accelerators.missing_gpu(
        {name: options["accelerator"] for name, options in TRAINING.items()}
    )
    if without_gpu:
        logger.warning(without_gpu)


def delete_checkpoints_of_forced_trainings():
    """Let forced training runs (-R, -F) start at their first step.

    This is decided once per command and not by the job, because a job that is retried, or requeued
    by a cluster, has to resume.
    """
    for job in planned_jobs("train"):
        if is_forced(job) and not only_touches_files():
            Path(job.params.checkpoint).unlink(missing_ok=True)


def log_failure(job):
    """Log the last lines of a failed job's log, and SLURM's messages about the job."""
    logger.error(f"\n{job_name(job)} failed.")
    logs = {Path(path): last_lines(path) for path in job.log}
    folder = slurm_log_folder() / f"rule_{job.rule.name}" / cluster.join_wildcards(job.wildcards)
    for path in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]:
        logs[path] = [line for line in last_lines(path, 50) if line.startswith(("slurm", "srun"))]
    for path, lines in logs.items():
        if lines:
            logger.error("\n".join([f"{path} ends with:", *(f"    {line}" for line in lines)]))


def log_broken_songs(failed_caches):
    """Log the line of config that excludes all broken songs."""
    songs = [
        job.wildcards.song
        for job in failed_caches
        if datasets.EXCLUSION_MARK in "".join(last_lines(job.log[0]))
        and job.wildcards.song not in SONGS["excerpt"]
    ]
    if songs:
        logger.error(
            f"\nBroken songs: {len(songs)}. Repair them, or exclude them with this line in config:"
            f"\n    {datasets.exclusion([*config['exclude_songs'], *songs])}"
        )


# Snakemake runs only the last onstart of a workflow, so everything goes into this one.
onstart:
    try:
        if makes_files():
            check_writable(RESULTS)
            check_writable("logs")
        check_cache_size()
        check_gpus()
        if runs_on_slurm():
            prepare_cluster()
    except InputError as error:
        raise WorkflowError(str(error)) from None
    notice_signals()
    if runs_on_slurm():
        limit_polling_interval()
        cancel_jobs_when_stopped()
    else:
        start_jobs_at_once()
        end_jobs_when_stopped()
        start_scripts(preloaded=len(planned_jobs()) > FEW_JOBS and not only_touches_files())
    run_first(PAPER_FIGURES, FIRST_RESULTS)
    if planned_jobs():
        ProgressLines(run_progress.read_seconds(JOB_COSTS), MILESTONES).start()
    if makes_files():
        sharing.write_record(config["experiment"], ITEMS, HOMES)
    # Last: until it is canceled, a job left by an earlier run may write a checkpoint.
    delete_checkpoints_of_forced_trainings()


onerror:
    failed = failed_jobs()
    for job in failed:
        log_failure(job)
    log_broken_songs([job for job in failed if job.rule.name == "cache"])
