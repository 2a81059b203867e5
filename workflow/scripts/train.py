"""Train one variant with one seed."""

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.progress import job_log
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingOptions

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    train(
        system=snakemake.params.system,
        options=TrainingOptions(**snakemake.params.options, **snakemake.params.runtime),
        seed=int(snakemake.wildcards.seed),
        train_songs=read_song_list(snakemake.input.train),
        valid_songs=read_song_list(snakemake.input.valid),
        model_path=snakemake.output.model,
        log_path=snakemake.output.log,
        checkpoint_path=snakemake.params.checkpoint,
        code=snakemake.params.code,
        threads=max(1, snakemake.threads // snakemake.params.runtime["devices"]),
        label=f"{snakemake.wildcards.system} seed {snakemake.wildcards.seed}",
        runtime_minutes=snakemake.resources.get("runtime"),
    )
