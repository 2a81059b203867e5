"""Train one variant with one seed: options, loop, steps, checkpoints and devices."""
