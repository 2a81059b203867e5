"""Training one variant with one seed."""
