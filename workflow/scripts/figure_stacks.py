"""Draw figure 6, 7 or 8 of the paper."""

from upsampling_artifacts.figures.stacks import draw_stacks
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_stacks(snakemake.input[0], snakemake.output, number=int(snakemake.wildcards.number))
