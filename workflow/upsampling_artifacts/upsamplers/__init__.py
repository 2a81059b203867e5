"""Upsampling layers: one module per family, one base class.

:mod:`upsampling_artifacts.registry` lists the names by which config refers to them.
"""
