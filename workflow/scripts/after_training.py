"""Summarize what training leaves of the tone."""

from upsampling_artifacts.probes.after_training import write_after_training
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_after_training(
        snakemake.input[0], snakemake.output[0], frequency_hz=snakemake.params.tone_hz
    )
