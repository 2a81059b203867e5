"""Draw the duration of training steps."""

from upsampling_artifacts.figures.step_speed import draw_step_speed
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_step_speed(
        snakemake.input.steps[0],
        snakemake.input.paper,
        snakemake.output,
        looks=snakemake.params.looks,
    )
