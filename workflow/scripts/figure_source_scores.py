"""Draw the SDR of every system and source."""

from upsampling_artifacts.figures.source_scores import draw_source_scores
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_source_scores(
        snakemake.input[0],
        snakemake.output,
        looks=snakemake.params.looks,
        sources=snakemake.params.sources,
        songs=snakemake.params.songs,
    )
