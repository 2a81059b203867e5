"""Count the frames that museval cannot score, and measure the tones in them."""

from pathlib import Path

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.evaluation.unscored_frames import write_unscored_frames
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_unscored_frames(
        [Path(folder).parent for folder in snakemake.input.estimates],
        read_song_list(snakemake.input.songs),
        snakemake.params.tones_hz,
        snakemake.output[0],
    )
