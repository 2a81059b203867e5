"""Separation, scoring, the paper's claims and its Table 1."""
