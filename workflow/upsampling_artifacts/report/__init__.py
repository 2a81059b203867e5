"""The report: one html file that needs nothing else."""
