"""List the cached songs of a split."""

from upsampling_artifacts.data.cached_song import write_song_list
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_song_list(snakemake.input, snakemake.output[0])
