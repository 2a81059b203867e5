"""Write a page for each table."""

from upsampling_artifacts.progress import job_log
from upsampling_artifacts.report.table_pages import write_table_page

with job_log(snakemake.log[0]):
    for table, page in zip(snakemake.input, snakemake.output, strict=True):
        write_table_page(table, page)
