"""Compare the SDR of each system with that of its reference, paired by seed and song."""

from upsampling_artifacts.evaluation.sdr_differences import write_sdr_differences
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_sdr_differences(
        snakemake.input.scores[0],
        snakemake.input.paper,
        snakemake.output[0],
        songs=snakemake.params.songs,
        comparisons=snakemake.params.comparisons,
    )
