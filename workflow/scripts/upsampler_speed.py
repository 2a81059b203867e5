"""Measure the speed of upsampling layers."""

from upsampling_artifacts.benchmarks.upsamplers import measure_upsamplers
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    measure_upsamplers(snakemake.output[0])
