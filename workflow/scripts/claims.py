"""Test the paper's claims against the measures."""

from upsampling_artifacts.evaluation.claims import write_claims
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    # Without training, there are neither variants nor SDR differences.
    variants, sdr_differences = (
        snakemake.input.get(name, [None])[0] for name in ("variants", "sdr_differences")
    )
    write_claims(
        snakemake.input.measures[0],
        snakemake.input.gradients,
        variants,
        sdr_differences,
        [snakemake.input.claims],
        snakemake.params.rate_hz,
        snakemake.output[0],
    )
