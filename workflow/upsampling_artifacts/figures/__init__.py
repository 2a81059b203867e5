"""Figures: one module each, from tables and arrays to a matplotlib figure."""
