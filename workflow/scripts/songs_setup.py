"""Write musdb's setup file, which names the validation songs."""

from pathlib import Path

from upsampling_artifacts.data.synthetic_songs import write_setup_file
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_setup_file(Path(snakemake.output[0]).parent, snakemake.params.valid)
