"""Separate the test songs with one trained model."""

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.evaluation.estimates import separate_songs
from upsampling_artifacts.evaluation.separation import model_separator
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    separate_songs(
        model_separator(
            snakemake.input.model,
            snakemake.params.accelerator,
            threads=snakemake.threads,
            n_shifts=snakemake.params.n_shifts,
        ),
        read_song_list(snakemake.input.songs),
        snakemake.output[0],
        label=f"{snakemake.wildcards.system} seed {snakemake.wildcards.seed}",
    )
