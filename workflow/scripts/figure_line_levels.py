"""Draw the level of the line at rate/4 for every system."""

from upsampling_artifacts.figures.line_levels import draw_line_levels
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_line_levels(
        snakemake.input[0],
        snakemake.output,
        looks=snakemake.params.looks,
        frequency_hz=snakemake.params.tone_hz,
    )
