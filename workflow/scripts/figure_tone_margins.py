"""Draw which system whistles when its input is quiet."""

from upsampling_artifacts.figures.tone_margins import draw_tone_margins
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_tone_margins(
        snakemake.input[0],
        snakemake.output,
        looks=snakemake.params.looks,
        frequency_hz=snakemake.params.tone_hz,
    )
