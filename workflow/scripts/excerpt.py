"""Write the real music with which models are probed."""

from upsampling_artifacts.data.excerpt import write_excerpt
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_excerpt(snakemake.output[0])
