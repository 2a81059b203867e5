"""Compare interpolation with zero insertion and a fixed filter."""

from upsampling_artifacts.probes.identities import measure_identities
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    measure_identities(snakemake.params.seeds, snakemake.output[0])
