"""Print the resources that the experiment needs."""

from upsampling_artifacts.pipeline.planning import Experiment, cache_room, plan_text
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    experiment = dict(snakemake.params.items())
    room = experiment.pop("room")
    print(plan_text(Experiment(**experiment)), cache_room(*room, "results")[0], sep="\n\n")
