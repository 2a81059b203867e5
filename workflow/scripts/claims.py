"""Test the paper's claims against the measures."""

from upsampling_artifacts.evaluation.claims import write_claims
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_claims(
        snakemake.input.measures[0],
        snakemake.input.gradients,
        [snakemake.input.claims],
        snakemake.output[0],
    )
