"""Separate the test songs without a model."""

from upsampling_artifacts.baselines import BASELINES
from upsampling_artifacts.estimates import separate_songs
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    separate_songs(
        BASELINES[snakemake.wildcards.system],
        snakemake.input.songs,
        snakemake.output[0],
        label=snakemake.wildcards.system,
    )
