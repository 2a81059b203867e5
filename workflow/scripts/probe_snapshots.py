"""Probe the snapshots of one training run."""

from upsampling_artifacts.probes.snapshots import probe_snapshots
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_snapshots(
        snakemake.input.snapshots,
        name=snakemake.wildcards.system,
        seed=int(snakemake.wildcards.seed),
        signal_seconds=snakemake.params.signal_seconds,
        csv_path=snakemake.output[0],
        threads=snakemake.threads,
    )
