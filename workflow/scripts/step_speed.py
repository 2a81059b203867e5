"""Measure the duration of training steps."""

from upsampling_artifacts.benchmarks.steps import measure_steps
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log
from upsampling_artifacts.training.options import TrainingOptions

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    measure_steps(
        snakemake.output[0],
        systems=snakemake.params.systems,
        references=snakemake.params.references,
        training={
            name: TrainingOptions(**options, **snakemake.params.runtime[name])
            for name, options in snakemake.params.training.items()
        },
        steps_per_epoch=snakemake.params.steps_per_epoch,
        n_sources=snakemake.params.n_sources,
        rate_hz=snakemake.params.rate_hz,
    )
