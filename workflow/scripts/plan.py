"""Print what the experiment asks of a computer."""

from upsampling_artifacts.planning import Experiment, plan_text
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    print(plan_text(Experiment(**dict(snakemake.params.items()))))
