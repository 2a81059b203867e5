"""Probe the paper's small stacks of upsamplers (sections 2 to 5) with many seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.boundary import boundary_samples
from upsampling_artifacts.artifacts.filtering import (
    power_density,
    response_error_db,
    stack_response_db,
)
from upsampling_artifacts.artifacts.measures import NO_FREQUENCY, Row, measure_output
from upsampling_artifacts.artifacts.spectral_images import image_levels_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.models.stacks import (
    RATE_HZ,
    STACKS,
    STRIDE,
    build_stack,
    rates_hz,
)
from upsampling_artifacts.probes.measures_table import COLUMNS, label_measures, write_measures
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.upsamplers.fused import set_implementation

SECONDS = 2.0
TONE_HZ = 1000.0
MEASURED_CHANNELS = 4
"""This many of a layer's 32 channels are measured, to save time; ten seeds make up for it."""


def probe_stacks(seeds: list[int], csv_path: str | Path, threads: int = 1) -> None:
    """Probe all stacks; in the table, the models are called "stack_<name>".

    Args:
        seeds: Seeds of the weights and of the white noise.
        csv_path: Where to write the measures.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    music = excerpt_music(RATE_HZ, 1, SECONDS)
    tables = []
    progress = Progress(len(STACKS) * len(seeds), "probing stacks")
    for seed in seeds:
        test_signals = signals.test_signals(SECONDS, RATE_HZ, 1, music)
        test_signals["noise"] = signals.white_noise(SECONDS, RATE_HZ, 1, seed)
        for name in STACKS:
            measures = probe_stack(name, seed, test_signals)
            tables.append(label_measures(measures, f"stack_{name}", seed, "initialization"))
            progress.step()
    write_measures(tables, csv_path)


def probe_stack(name: str, seed: int, test_signals: dict[str, np.ndarray]) -> pd.DataFrame:
    """Feed test signals to a stack and measure the output of each layer.

    A 1 kHz sine is added to the test signals, to measure its spectral images.

    Args:
        name: A key of :data:`models.stacks.STACKS`.
        seed: Seed of the weights.
        test_signals: By name, ``(1, time)`` at 4 kHz.

    Returns:
        A table with the columns :data:`measures_table.COLUMNS`; ``layer`` is "layer_1", "layer_2"
        or "layer_3".
    """
    stack = build_stack(name, seed)
    # Interpolation, then convolution, as in the paper: in float32, the fused layer rounds each
    # phase by itself, which is a tone.
    set_implementation(stack, "plain")
    rows: list[tuple] = []
    for signal_name, signal in test_signals.items():
        outputs = [signal, *_outputs(stack, signal)]
        third = signal.shape[-1] // 3
        middle_alone = _outputs(stack, signal[:, third : 2 * third])
        for layer, rate_hz in enumerate(rates_hz()[1:], start=1):
            strides = [STRIDE**power for power in range(1, layer + 1)]
            measured = measure_output(
                outputs[layer], rate_hz, strides, outputs[layer - 1], prominence_ratio=False
            )
            middle = outputs[layer][:, third * STRIDE**layer : 2 * third * STRIDE**layer]
            for end, samples in zip(
                ("start", "end"), boundary_samples(middle_alone[layer - 1], middle), strict=True
            ):
                measured.append((f"boundary_{end}", NO_FREQUENCY, samples, "samples"))
            measured += _images(outputs[layer], rate_hz, 0.0, "offset_image_level")
            if name.endswith("_alone") and signal_name == "noise":
                measured.append(_response_error(outputs[layer], rate_hz, name, layer))
            rows += [(signal_name, f"layer_{layer}", *row) for row in measured]
    for layer, output in enumerate(_outputs(stack, _tone(signal.shape[-1])), start=1):
        images = _images(output, rates_hz()[layer], TONE_HZ, "tone_image_level")
        rows += [("tone", f"layer_{layer}", *row) for row in images]
    return pd.DataFrame(rows, columns=COLUMNS)


@torch.inference_mode()
def _outputs(stack: nn.Module, signal: np.ndarray) -> list[np.ndarray]:
    outputs = stack(torch.from_numpy(signal)[None])
    return [output[0, :MEASURED_CHANNELS].numpy() for output in outputs]


def _tone(time: int) -> np.ndarray:
    phase = 2 * np.pi * TONE_HZ / RATE_HZ * np.arange(time)
    return (np.sqrt(2) * np.sin(phase))[None].astype(np.float32)


def _images(output: np.ndarray, rate_hz: int, frequency_hz: float, measure: str) -> list[Row]:
    """Levels of the spectral images of a tone in the stack's input, re the tone in the output."""
    levels_db = image_levels_db(output, rate_hz, RATE_HZ, frequency_hz)
    return [(measure, image_hz, level_db, "dB") for image_hz, level_db in levels_db.items()]


def _response_error(output: np.ndarray, rate_hz: int, name: str, layers: int) -> Row:
    """Error of the response measured with white noise re the theory of stacked interpolations."""
    frequencies_hz, power = power_density(output, rate_hz)
    kinds = [name.removesuffix("_alone")] * layers
    theory_db = stack_response_db(kinds, STRIDE, frequencies_hz, rate_hz)
    error_db = response_error_db(10 * np.log10(power), theory_db)
    return "response_error", NO_FREQUENCY, error_db, "dB"
