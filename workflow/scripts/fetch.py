"""Fetch a published data set."""

import shutil
from pathlib import Path

from upsampling_artifacts.data.fetching import PublishedDataset, fetch
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    dataset = PublishedDataset.from_config(snakemake.params.config)
    record = Path(snakemake.output[0])
    shutil.copyfile(fetch(dataset, snakemake.params.songs, record.with_suffix("")), record)
