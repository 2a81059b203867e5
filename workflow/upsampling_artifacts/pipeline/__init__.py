"""What only the workflow needs: configuration, plans, fingerprints, clusters."""
