"""Draw the SDR differences between systems and their references."""

from upsampling_artifacts.figures.sdr_differences import draw_sdr_differences
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_sdr_differences(snakemake.input[0], snakemake.output, looks=snakemake.params.looks)
