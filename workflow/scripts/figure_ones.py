"""Draw figure 5 of the paper."""

from upsampling_artifacts.figures.ones import draw_ones
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_ones(snakemake.input[0], snakemake.output)
