"""Train one variant with one seed."""

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    runtime = snakemake.params.runtime
    threads = max(1, snakemake.threads // runtime["devices"])
    train(
        snakemake.params.system,
        TrainingOptions(**snakemake.params.options, **runtime, threads=threads),
        int(snakemake.wildcards.seed),
        TrainingFiles(
            train_songs=read_song_list(snakemake.input.train),
            valid_songs=read_song_list(snakemake.input.valid),
            model=snakemake.output.model,
            log=snakemake.output.log,
            checkpoint=snakemake.params.checkpoint,
            snapshots=snakemake.output.snapshots,
        ),
        code=snakemake.params.code,
        label=f"{snakemake.wildcards.system} seed {snakemake.wildcards.seed}",
        runtime_minutes=snakemake.resources.get("runtime"),
    )
