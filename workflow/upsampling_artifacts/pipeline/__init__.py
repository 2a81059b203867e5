"""What only the workflow needs: configuration, planning, fingerprints, SLURM and GPUs."""
