"""Which targets, settings and triggers Snakemake takes, and how it sums up a plan.

The files in this folder are everything that this workflow uses of Snakemake beyond its documented
interface. Internals change without notice, so no other file touches them. These are plain Python,
which lets tests/workflow/test_snakemake_internals.py compare them with the installed version.
"""

import math
from dataclasses import replace
from functools import partial

import snakemake

from snakemake.dag import DAG
from snakemake.settings.types import Quietness, RerunTrigger

TESTED_SNAKEMAKE = "9.27"


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

    Jobs check what they read. What none reads, such as the report, is checked in every plan.
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

    def _build_dag(self):
        super()._build_dag()
        # Not for --summary, --delete-all-output and the like, which execute nothing.
        if self.is_main_process and self.executor_plugin and not self.touch:
            check_finished_outputs()


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
warn_if_untested()
