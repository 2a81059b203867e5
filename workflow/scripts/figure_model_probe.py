"""Draw the spectrograms of a user-supplied model."""

from upsampling_artifacts.figures.probe import draw_probe
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_probe(snakemake.input[0], snakemake.output, title=snakemake.wildcards.model)
