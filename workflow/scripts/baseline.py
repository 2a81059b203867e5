"""Estimate the sources of the test songs with a baseline."""

from upsampling_artifacts import registry
from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.evaluation.estimates import separate_songs
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    separate_songs(
        registry.load("baseline", snakemake.wildcards.system, registry.BASELINES),
        read_song_list(snakemake.input.songs),
        snakemake.output[0],
        label=snakemake.wildcards.system,
    )
