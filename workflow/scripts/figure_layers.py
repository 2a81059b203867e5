"""Draw the figure of single upsampling layers."""

from upsampling_artifacts.figures.layers import draw_layers
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_layers(snakemake.input[0], snakemake.output, looks=snakemake.params.looks)
