"""Draw what remedies change: the tone and the separation quality."""

from upsampling_artifacts.figures.remedies import draw_remedies
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_remedies(
        snakemake.input[0],
        snakemake.output,
        looks=snakemake.params.looks,
        frequency_hz=snakemake.params.tone_hz,
    )
