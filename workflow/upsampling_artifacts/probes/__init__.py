"""Probes: feed test signals to models and layers, or take an audio file, and measure artifacts."""
