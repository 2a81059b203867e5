"""Probe the paper's small stacks of layers."""

from upsampling_artifacts.probes.stacks import probe_stacks
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_stacks(snakemake.params.seeds, snakemake.output[0], threads=snakemake.threads)
