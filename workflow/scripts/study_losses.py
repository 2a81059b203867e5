"""Train networks briefly with each loss, and measure what reaches the output."""

from upsampling_artifacts.data.cached_song import read_song_list
from upsampling_artifacts.pipeline.gpus import claimed_gpus
from upsampling_artifacts.probes.loss_study import study_losses
from upsampling_artifacts.progress import job_log
from upsampling_artifacts.training.options import TrainingOptions

with job_log(snakemake.log[0]), claimed_gpus(snakemake.resources.gpu):
    study_losses(
        snakemake.params.systems,
        snakemake.params.losses,
        {
            name: TrainingOptions(**options, threads=snakemake.threads)
            for name, options in snakemake.params.training.items()
        },
        int(snakemake.wildcards.seed),
        read_song_list(snakemake.input.train),
        read_song_list(snakemake.input.valid),
        snakemake.output[0],
    )
