"""Draw the spectrograms of all systems for one test signal."""

from upsampling_artifacts.figures.spectrograms import draw_spectrograms
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_spectrograms(
        snakemake.input,
        snakemake.output,
        looks=snakemake.params.looks,
        signal=snakemake.wildcards.signal,
        tones_hz=snakemake.params.tones_hz,
    )
