"""Draw the validation loss of every system."""

from upsampling_artifacts.figures.training_curves import draw_training_curves
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_training_curves(snakemake.input, snakemake.output, looks=snakemake.params.looks)
