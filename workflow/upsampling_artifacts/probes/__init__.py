"""What is probed: models and audio files, systems, variants, stacks and single layers."""
