"""Probe the gradients that losses send back to the waveform."""

from upsampling_artifacts.probes.loss_gradients import probe_loss_gradients
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_loss_gradients(
        snakemake.params.losses,
        snakemake.params.seeds,
        snakemake.output.table,
        snakemake.output.arrays,
        threads=snakemake.threads,
    )
