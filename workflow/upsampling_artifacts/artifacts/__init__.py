"""Measures of upsampling artifacts, and the theory that predicts them: arrays in, numbers out.

No module here reads or writes a file, or runs a model.
"""
