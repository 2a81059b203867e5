"""Draw figure 2, 3 or 4 of the paper."""

from upsampling_artifacts.figures.overlap import draw_overlap
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_overlap(snakemake.input[0], snakemake.output, number=int(snakemake.wildcards.number))
