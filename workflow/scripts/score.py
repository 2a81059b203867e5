"""Score the estimates of one song."""

from pathlib import Path

from upsampling_artifacts.progress import job_log
from upsampling_artifacts.scoring import score_song

with job_log(snakemake.log[0]):
    score_song(
        snakemake.input.song,
        Path(snakemake.input.estimates) / "test" / snakemake.wildcards.song,
        snakemake.output[0],
    )
