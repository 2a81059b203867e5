"""Write the real music that models are probed with."""

from upsampling_artifacts.data.excerpt import write_excerpt
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_excerpt(snakemake.output[0])
