"""Find the second in which a tone is most audible, in each test signal, of all variants."""

from upsampling_artifacts.probes.tone_seconds import write_tone_seconds
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_tone_seconds(
        dict(zip(snakemake.params.segment_seconds, snakemake.input.models, strict=True)),
        songs=snakemake.input.songs,
        excerpts=snakemake.input.excerpts,
        sounds=snakemake.input.sounds,
        segment_seconds=snakemake.params.segment_seconds,
        signal_seconds=snakemake.params.signal_seconds,
        tone_hz=snakemake.params.tone_hz,
        csv_path=snakemake.output.table,
        arrays_path=snakemake.output.arrays,
        threads=snakemake.threads,
    )
