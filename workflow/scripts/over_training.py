"""Summarize the tone at rate/4 over training."""

from upsampling_artifacts.probes.over_training import write_over_training
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_over_training(snakemake.input[0], snakemake.params.tone_hz, snakemake.output[0])
