"""Probe one user-supplied model."""

from pathlib import Path

from upsampling_artifacts.api import probe
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    options = dict(snakemake.params.model)
    probe(
        options.pop("factory"),
        **options,
        name=snakemake.wildcards.model,
        music=snakemake.input.music,
        out=Path(snakemake.output.measures).parent,
    )
