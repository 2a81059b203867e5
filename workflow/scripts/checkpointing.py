"""Measure the share of training time that checkpoints take."""

from upsampling_artifacts.benchmarks.checkpointing import measure_checkpointing
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    measure_checkpointing(
        snakemake.output[0],
        systems=snakemake.params.systems,
        minutes=snakemake.params.minutes,
        n_sources=snakemake.params.n_sources,
    )
