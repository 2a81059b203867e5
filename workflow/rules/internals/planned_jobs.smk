"""What Snakemake has planned, where it runs, and what depends on what."""

from functools import cache


def is_main_process():
    """Whether this process plans the run; the process of a job reads the rules, too."""
    return workflow.is_main_process


def started_homes():
    """In the process of a job, where the run that started it found what is shared."""
    return {} if is_main_process() else sharing.read_homes(config["experiment"])


def planned_jobs(rule=None):
    """The jobs that will run, of one rule or of all."""
    return [job for job in workflow.dag.needrun_jobs() if rule in (None, job.rule.name)]


# `train` alone has models of gigabytes as its results: a plan must not take minutes to read them.
MOST_BYTES_TO_CHECK = 2**26


def finished_outputs():
    """The files of jobs that will not run, which no other job with outputs reads."""
    will_run, jobs = {*workflow.dag.needrun_jobs()}, list(workflow.dag.jobs)
    read = {path for job in jobs if job.output for path in job.input}
    finished = [path for job in jobs if job not in will_run for path in job.output]
    files = [Path(path) for path in finished if path not in read and Path(path).is_file()]
    return [path for path in files if path.stat().st_size <= MOST_BYTES_TO_CHECK]


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
