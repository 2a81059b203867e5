"""Probe the possible readings of figure 9."""

from upsampling_artifacts.probes.readings import probe_readings
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_readings(snakemake.params.seeds, snakemake.output[0], threads=snakemake.threads)
