"""Derive a model from a trained one: without its response to silence."""

from upsampling_artifacts.models.saved import save_without_silence
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    save_without_silence(snakemake.output[0], snakemake.input[0])
