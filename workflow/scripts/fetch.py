"""Fetch a published data set."""

import shutil

from upsampling_artifacts.data.fetching import Source, fetch
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    source = Source.from_config(snakemake.params.config)
    record = fetch(source, songs=snakemake.params.songs, folder=snakemake.params.folder)
    shutil.copyfile(record, snakemake.output[0])
