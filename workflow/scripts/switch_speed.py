"""Measure the effect of each training option on a step."""

from upsampling_artifacts.benchmarks.step_options import measure_step_options
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log
from upsampling_artifacts.training.options import TrainingOptions

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    measure_step_options(
        snakemake.output[0],
        system_name=snakemake.params.name,
        system=snakemake.params.system,
        training=TrainingOptions(
            **snakemake.params.training,
            **snakemake.params.runtime,
        ),
        n_sources=snakemake.params.n_sources,
        rate_hz=snakemake.params.rate_hz,
    )
