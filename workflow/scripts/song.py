"""Render one synthetic song."""

from pathlib import Path

from upsampling_artifacts.data.synthetic_songs import render_song
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    render_song(
        snakemake.wildcards.song,
        Path(snakemake.output[0]).parent,
        snakemake.params.seed,
        snakemake.params.seconds,
    )
