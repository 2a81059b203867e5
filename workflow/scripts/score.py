"""Score the estimates of one run."""

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.evaluation.scoring import score_songs, write_scores
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    score_songs(
        read_song_list(snakemake.input.songs),
        snakemake.input.estimates,
        snakemake.output.songs,
        processes=snakemake.threads,
        label=f"{snakemake.wildcards.system} seed {snakemake.wildcards.seed}",
    )
    write_scores([snakemake.output.songs], snakemake.output.table)
