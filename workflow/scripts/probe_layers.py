"""Probe single upsampling layers."""

from upsampling_artifacts.probes.single_layers import probe_layers
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_layers(
        snakemake.params.layers,
        snakemake.params.seeds,
        snakemake.output[0],
        threads=snakemake.threads,
    )
