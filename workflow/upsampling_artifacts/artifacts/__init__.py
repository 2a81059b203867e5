"""Measures of upsampling artifacts: arrays in, numbers out.

One module per artifact of the paper. No module here reads or writes a file or runs a model.
"""
