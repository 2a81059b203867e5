"""Draw the tone at rate/4 over training."""

from upsampling_artifacts.figures.over_training import draw_over_training
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_over_training(snakemake.input[0], snakemake.output, looks=snakemake.params.looks)
