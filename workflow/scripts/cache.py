"""Decode one song into the cache."""

from upsampling_artifacts.data.cache import cache_song
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    cache_song(
        snakemake.params.path,
        snakemake.output[0],
        sources=snakemake.params.sources,
        rate_hz=snakemake.params.rate_hz,
        allow_silent=snakemake.params.allow_silent,
        setup=snakemake.params.setup,
        hint=snakemake.params.hint,
    )
