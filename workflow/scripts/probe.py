"""Probe one variant, before or after training."""

from upsampling_artifacts.probes.variants import probe_variant
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    probe_variant(
        system=snakemake.params.system,
        name=snakemake.wildcards.system,
        seed=int(snakemake.wildcards.seed),
        model_path=snakemake.input.model or None,
        songs=snakemake.input.songs,
        excerpts=snakemake.input.excerpts,
        sounds=snakemake.input.sounds,
        segment_seconds=snakemake.params.segment_seconds,
        signal_seconds=snakemake.params.signal_seconds,
        csv_path=snakemake.output.table,
        arrays_path=snakemake.output.arrays,
        threads=snakemake.threads,
    )
