"""Separation, scores, claims and Table 1."""
