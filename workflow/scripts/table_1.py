"""Write Table 1: our results beside those of the paper."""

from upsampling_artifacts.evaluation.table_1 import write_table_1
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_table_1(
        snakemake.input.scores[0],
        snakemake.input.training,
        snakemake.input.speed[0],
        snakemake.input.models,
        snakemake.input.paper,
        snakemake.output[0],
        songs=snakemake.params.songs,
        full_size=snakemake.params.full_size,
        notes=snakemake.params.notes,
        references=snakemake.params.references,
    )
