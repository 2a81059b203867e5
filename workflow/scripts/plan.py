"""Print the compute, memory and disk space that the experiment will need."""

from upsampling_artifacts.pipeline.plan_text import plan_text
from upsampling_artifacts.pipeline.planning import Experiment, cache_room
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    experiment = dict(snakemake.params.items())
    growth = experiment.pop("cache_growth")
    print(plan_text(Experiment(**experiment)), cache_room(*growth, "results")[0], sep="\n\n")
