"""Probe each reading of figure 9's caption, "no ReLUs in the first layer and no biases"."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch

from upsampling_artifacts.data import signals
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes.measures_table import label_measures, write_measures
from upsampling_artifacts.probes.model_probe import probe_model
from upsampling_artifacts.progress import Progress

READINGS: dict[str, dict[str, Any]] = {
    "original": {},
    "no_biases": {"bias": False},
    "no_first_encoder_relu": {"omit_relu": ["first_encoder"]},
    "no_biases_first_encoder_relu": {"bias": False, "omit_relu": ["first_encoder"]},
    "no_biases_first_decoder_relu": {"bias": False, "omit_relu": ["first_decoder"]},
    "no_biases_last_decoder_relu": {"bias": False, "omit_relu": ["last_decoder"]},
}
"""Options of the network, by reading. The modified systems (config/systems.yaml) use
``no_biases_first_encoder_relu``; ``no_biases`` and ``no_first_encoder_relu`` are its halves."""

RESCALINGS = {"": {"rescale": 0.0}, "_rescaled": {"rescale": 0.1}}
"""Without and with Demucs' rescaling of its initial weights, by suffix of the name."""

# As deep as the paper's, but narrow, so that many seeds take seconds.
SIZE = {"channels": 24, "depth": 6}
UPSAMPLER = {"name": "transposed", "length": 8}
RATE_HZ = 44100
SECONDS = 1.5


def probe_readings(seeds: list[int], csv_path: str | Path, threads: int = 1) -> None:
    """Feed white noise to each reading; in the table, the models are called
    "reading_<name>[_rescaled]".

    Args:
        seeds: Seeds of the weights.
        csv_path: Where to write the measures.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    noise = {"noise": signals.white_noise(SECONDS, RATE_HZ, 2)}
    tables = []
    runs = list(itertools.product(READINGS.items(), RESCALINGS.items(), seeds))
    progress = Progress(len(runs), "probing readings of figure 9")
    for (name, reading), (suffix, rescaling), seed in runs:
        options = SIZE | reading | rescaling
        model = build_model(
            "demucs", options, UPSAMPLER, n_sources=4, audio_channels=2, seed=seed
        ).eval()
        result = probe_model(model, noise, RATE_HZ, prominence_ratio=False)
        label = f"reading_{name}{suffix}"
        tables.append(label_measures(result.measures, label, seed, "initialization"))
        progress.step()
    write_measures(tables, csv_path)
