"""Probe one user-supplied model."""

from pathlib import Path

from upsampling_artifacts.probes.result_files import write_result
from upsampling_artifacts.probes.user_model_probe import probe_user_model
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    options = dict(snakemake.params.model)
    result = probe_user_model(
        options.pop("factory"),
        **options,
        name=snakemake.wildcards.model,
        music=snakemake.input.music,
    )
    write_result(result, Path(snakemake.output.measures).parent)
