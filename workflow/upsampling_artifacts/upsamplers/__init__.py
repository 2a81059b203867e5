"""Upsampling layers: one module per family, one base class.

The names that config uses are listed in :mod:`upsampling_artifacts.registry`.
"""
