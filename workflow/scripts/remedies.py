"""Compare remedies for tones with doing nothing."""

from upsampling_artifacts.evaluation.remedies import write_remedies
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_remedies(
        snakemake.params.folders,
        snakemake.output.table,
        snakemake.output.summary,
        remedies=snakemake.params.remedies,
        references=snakemake.params.references,
        songs=snakemake.params.songs,
        frequency_hz=snakemake.params.tone_hz,
    )
