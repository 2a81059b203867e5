"""Probe one randomly initialized system at the paper's size."""

from upsampling_artifacts.probes.systems import probe_system
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_system(
        system=snakemake.params.system,
        name=snakemake.wildcards.system,
        seeds=snakemake.params.seeds,
        shape=snakemake.params.shape,
        signal_seconds=snakemake.params.signal_seconds,
        spectrogram_seconds=snakemake.params.spectrogram_seconds,
        csv_path=snakemake.output.table,
        arrays_path=snakemake.output.arrays,
        threads=snakemake.threads,
    )
