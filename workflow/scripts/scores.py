"""Collect the scores of all runs in one table."""

from upsampling_artifacts.evaluation.scoring import write_scores
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_scores(snakemake.input, snakemake.output[0], common=True)
