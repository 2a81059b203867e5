"""Measure the effect of each training option on a step."""

from upsampling_artifacts.benchmarks.step_options import measure_switches
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    measure_switches(
        snakemake.output[0],
        name=snakemake.params.name,
        system=snakemake.params.system,
        training={
            **snakemake.params.training,
            "devices": snakemake.params.devices,
            "threads": snakemake.threads,
        },
        n_sources=snakemake.params.n_sources,
        rate_hz=snakemake.params.rate_hz,
    )
