"""Render one song of the embedded data set."""

from pathlib import Path

from upsampling_artifacts.data.songs import render_song
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    render_song(
        snakemake.wildcards.song,
        Path(snakemake.output[0]).parent,
        snakemake.params.seed,
        snakemake.params.seconds,
    )
