"""Draw figure 1 or 9 of the paper."""

from upsampling_artifacts.figures.models import draw_models
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_models(
        dict(zip(snakemake.params.systems, snakemake.input, strict=True)),
        snakemake.output,
        number=int(snakemake.wildcards.number),
    )
