"""Compute the arrays of figures 2 to 8 of the paper."""

from upsampling_artifacts.probes.figure_arrays import ones_arrays, overlap_arrays, stack_arrays
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    overlap_arrays(snakemake.output.overlap)
    ones_arrays(snakemake.output.ones)
    stack_arrays(snakemake.output.stacks)
