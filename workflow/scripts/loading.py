"""Measure the speed of reading training segments."""

from upsampling_artifacts.benchmarks.loading import measure_loading
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    measure_loading(snakemake.output.speed, snakemake.output.memory)
