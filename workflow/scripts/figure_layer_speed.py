"""Draw the speed-up of fusing interpolation and convolution."""

from upsampling_artifacts.figures.layer_speed import draw_layer_speed
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_layer_speed(snakemake.input[0], snakemake.output)
