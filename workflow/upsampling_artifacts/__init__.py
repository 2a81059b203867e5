"""Upsampling artifacts in neural audio synthesis, measured.

The library behind the pipeline. It knows nothing of Snakemake: every result can be had
from a notebook. Importing it is cheap; torch is only loaded by the modules that need it.
"""
