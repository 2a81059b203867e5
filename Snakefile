"""Which upsampling layer? From songs to results/<experiment>/report.html.

snakemake --cores 2                                     the demonstration
snakemake --cores 2 --configfile config/paper.yaml      the paper's scale
snakemake --profile slurm                               the paper's scale on a cluster
snakemake --profile workstation                         the paper's scale on several GPUs
"""

import logging

from snakemake.utils import min_version

min_version("9.27")
# On a full disk, each line that Snakemake cannot add to its log would end in a traceback.
logging.raiseExceptions = False


configfile: "config/systems.yaml"
configfile: "config/datasets.yaml"
configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/internals/adapted_workflow.smk"
include: "workflow/rules/internals/planned_jobs.smk"
include: "workflow/rules/internals/run_ends.smk"
include: "workflow/rules/internals/job_starts.smk"
include: "workflow/rules/internals/progress_lines.smk"
include: "workflow/rules/sharing.smk"
include: "workflow/rules/songs.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/benchmarks.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/events.smk"


compare_contents_of_scripts()
check_what_jobs_read()


rule all:
    default_target: True
    input:
        rules.report.output,
        rules.table_pages.output,
        # No job reads these, and once deleted they would not be made again.
        [Path(path).with_suffix(".png") for path in rules.report.input.figures],
        runs("scores.csv", RUNS + BASELINE_RUNS),
        rules.remedies.output if REMEDIES else [],
        model_probes(rules.probe_model.output.layers),
        shared("benchmarks", rules.loading.output.memory),
        rules.songs_setup.output if config["dataset"] == "synthetic" else [],


rule probes:
    input:
        rules.untrained_claims.output,
        expand(
            f"{FIGURES}/{{name}}.{{kind}}",
            name=[*MODEL_FIGURES, "layers", "loss_gradients"],
            kind=["png", "svg"],
        ),
        SMALL_FIGURES,
