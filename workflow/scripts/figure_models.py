"""Draw figure 1 or 9 of the paper."""

from pathlib import Path

from upsampling_artifacts.figures.models import draw_models
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_models(
        {Path(path).stem: path for path in snakemake.input},
        snakemake.output,
        layout=snakemake.params.layout,
        looks=snakemake.params.looks,
    )
