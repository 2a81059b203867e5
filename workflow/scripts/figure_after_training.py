"""Draw how audible the tone is after training."""

from upsampling_artifacts.figures.after_training import draw_after_training
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_after_training(
        snakemake.input[0],
        snakemake.output,
        looks=snakemake.params.looks,
        frequency_hz=snakemake.params.tone_hz,
    )
