"""Does the periodicity of a loss's gradient reach the output of a network trained with it?

The same network is trained briefly with each loss, and its answers to silence, near-silence and
noise are measured at the frequencies of the loss's strides, which are those of the upsampling
layers, too. Only the difference from a loss without strides is the loss's.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from upsampling_artifacts.artifacts.lines import measure_lines, predicted_frequencies
from upsampling_artifacts.artifacts.masking import masking_margins_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.measures_table import LOSS_OUTPUT_COLUMNS, PLAYBACK_DB_SPL
from upsampling_artifacts.probes.model_probe import run
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

LONGEST_STRIDE = 16
"""Of two layers of stride 4, in the losses and in the networks: lines are measured at its
multiples."""

SECONDS, EDGE_SECONDS = 3.0, 0.5
"""Length of the test signals, and how much at either end is not measured."""


def study_losses(
    systems: dict[str, dict[str, Any]],
    losses: Sequence[str],
    options: dict[str, TrainingOptions],
    seed: int,
    train_songs: list[str],
    valid_songs: list[str],
    csv_path: str | Path,
) -> None:
    """Train each system with each loss, and write the lines in its output.

    Args:
        systems: By name, ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        losses: Names of the losses.
        options: Training options of each system; their loss is replaced.
        seed: Seeds the initial weights and the order of the data.
        train_songs: Cached songs.
        valid_songs: Cached songs.
        csv_path: Where to write the table (:data:`measures_table.LOSS_OUTPUT_COLUMNS`).

    Raises:
        InputError: As for :func:`training.loop.train`.
    """
    rows: list[tuple] = []
    for system, loss in itertools.product(systems, losses):
        with tempfile.TemporaryDirectory() as folder:
            files = TrainingFiles(
                train_songs=train_songs,
                valid_songs=valid_songs,
                model=f"{folder}/model.safetensors",
                log=f"{folder}/training.csv",
                checkpoint=f"{folder}/checkpoint.pt",
                snapshots=f"{folder}/snapshots",
            )
            with_loss = replace(options[system], loss={"name": loss})
            label = f"{system} with {loss}, seed {seed}"
            train(systems[system], with_loss, seed, files, label=label)
            model, about = load_model(files.model)
        rows += [(system, loss, seed, *row) for row in output_lines(model, about["rate_hz"])]
    with atomic_write(csv_path) as unfinished:
        table = pd.DataFrame(rows, columns=LOSS_OUTPUT_COLUMNS)
        table.to_csv(unfinished, index=False, float_format="%.6g")


def output_lines(model: nn.Module, rate_hz: int) -> list[tuple[str, float, str, float, str]]:
    """Measure the lines at multiples of rate / 16 in a network's output.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, ..., time)``, in evaluation mode.
        rate_hz: Sampling rate.

    Returns:
        Rows of signal, frequency_hz, measure ("line_level" or "audibility_margin"), value and unit.
    """
    frequencies_hz = predicted_frequencies(rate_hz, LONGEST_STRIDE)
    edge = round(EDGE_SECONDS * rate_hz)
    rows = []
    for signal, make in {
        "silence": signals.silence,
        "near_silence": signals.near_silence,
        "noise": signals.white_noise,
    }.items():
        output = run(model, make(SECONDS, rate_hz, AUDIO_CHANNELS)[None])[0, :, edge:-edge]
        values = {
            "line_level": [
                line.level_db for line in measure_lines(output, rate_hz, frequencies_hz)
            ],
            "audibility_margin": masking_margins_db(
                output, rate_hz, frequencies_hz, PLAYBACK_DB_SPL
            ),
        }
        rows += [
            (signal, float(frequency_hz), measure, float(value), "dB")
            for measure, by_frequency in values.items()
            for frequency_hz, value in zip(frequencies_hz, np.asarray(by_frequency), strict=True)
        ]
    return rows
