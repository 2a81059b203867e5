"""Describe the songs of the data set in one table."""

from upsampling_artifacts.data.manifest import write_manifest
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_manifest(dict(snakemake.input.items()), snakemake.output[0])
