"""Draw SDR against compute and against the level of the remaining tone."""

from upsampling_artifacts.figures.trade_offs import draw_trade_offs
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_trade_offs(
        snakemake.input.table_1[0],
        snakemake.input.variants[0],
        snakemake.output,
        looks=snakemake.params.looks,
        frequency_hz=snakemake.params.tone_hz,
    )
