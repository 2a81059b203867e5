"""Collect the measures of many probes in one table."""

from upsampling_artifacts.probes.measures_table import gather_measures
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    gather_measures(snakemake.input, snakemake.output[0])
