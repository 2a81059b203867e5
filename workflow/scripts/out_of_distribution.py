"""Write test signals unlike the songs."""

from upsampling_artifacts.data.out_of_distribution import write_out_of_distribution
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_out_of_distribution(
        snakemake.output[0],
        snakemake.params.seconds,
        snakemake.params.rate_hz,
        yours=snakemake.params.yours,
    )
