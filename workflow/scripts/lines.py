"""Gather the lines of all probes into one table."""

from upsampling_artifacts.artifacts.probing import gather_lines
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    gather_lines(snakemake.input, snakemake.output[0])
