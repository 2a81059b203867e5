"""Probes of what is small enough for many seeds: the paper's stacks, and readings of figure 9."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts import models
from upsampling_artifacts.artifacts import signals
from upsampling_artifacts.artifacts.boundary import boundary_samples
from upsampling_artifacts.artifacts.excerpt import excerpt_music
from upsampling_artifacts.artifacts.filtering import (
    power_density,
    response_error_db,
    stack_response_db,
)
from upsampling_artifacts.artifacts.measures_table import (
    COLUMNS,
    MEASURES_COLUMNS,
    labelled,
    write_measures,
)
from upsampling_artifacts.artifacts.measuring import NO_FREQUENCY, measure_output
from upsampling_artifacts.artifacts.probing import OUTPUT, probe_model
from upsampling_artifacts.artifacts.replicas import image_levels_db
from upsampling_artifacts.artifacts.stacks import RATE_HZ, STACKS, STRIDE, build_stack
from upsampling_artifacts.progress import Progress

STACK_SECONDS = 3.0  # as in the paper's figures 6 to 8
LAYERS = 3
TONE_HZ = 1000.0

READINGS = {
    "original": {},
    "no_biases": {"bias": False},
    "no_first_encoder_relu": {"omit_relu": ["first_encoder"]},
    "no_biases_first_encoder_relu": {"bias": False, "omit_relu": ["first_encoder"]},
    "no_biases_first_decoder_relu": {"bias": False, "omit_relu": ["first_decoder"]},
    "no_biases_last_decoder_relu": {"bias": False, "omit_relu": ["last_decoder"]},
}
"""What "no ReLUs in the first layer and no biases" (figure 9) may mean, and its halves."""

READING_SIZE = {"channels": 24, "depth": 6}
READING_RATE_HZ = 44100


def probe_small(seeds: list[int], csv_path: str | Path, threads: int = 1) -> None:
    """Probe what the paper's sections 2 to 5 argue with, with many seeds.

    The stacks (models "stack_..."), the readings of the modified Demucs ("reading_...") and
    what interpolation is ("nearest_interpolation", "linear_interpolation").
    """
    torch.set_num_threads(threads)
    music = excerpt_music(RATE_HZ, 1, STACK_SECONDS)
    stack_signals = signals.test_signals(STACK_SECONDS, RATE_HZ, 1, music)
    readings_signals = {"noise": signals.white_noise(1.5, READING_RATE_HZ, 2)}
    identities = measures_of_identities(seeds).assign(stage="initialization")
    tables = [identities[MEASURES_COLUMNS]]
    progress = Progress((len(STACKS) + len(READINGS)) * len(seeds), "probing small models")
    for seed in seeds:
        for name in STACKS:
            measures = probe_stack(name, seed, stack_signals)
            tables.append(labelled(measures, f"stack_{name}", seed, "initialization"))
            progress.step()
        for name in READINGS:
            measures = probe_reading(name, seed, readings_signals)
            tables.append(labelled(measures, f"reading_{name}", seed, "initialization"))
            progress.step()
    write_measures(tables, csv_path)


def probe_stack(name: str, seed: int, test_signals: dict[str, np.ndarray]) -> pd.DataFrame:
    """Measure each layer of one of the paper's small stacks.

    Beside the signals given, a sine of 1 kHz goes in, to see where its replicas come out.

    Args:
        name: A key of :data:`stacks.STACKS`.
        seed: Of the weights.
        test_signals: By name, ``(1, time)`` at 4 kHz.

    Returns:
        The columns ``COLUMNS``; ``layer`` is "layer_1", "layer_2", "layer_3".
    """
    stack = build_stack(name, seed, LAYERS)
    rows: list[tuple] = []
    for signal_name, signal in test_signals.items():
        outputs = _outputs(stack, signal)
        third = signal.shape[-1] // 3
        alone = _outputs(stack, signal[:, third : 2 * third])
        for index, output in enumerate(outputs, start=1):
            rate_hz, factor = RATE_HZ * STRIDE**index, STRIDE**index
            strides = [STRIDE**power for power in range(1, index + 1)]
            found = measure_output(
                output, rate_hz, strides, outputs[index - 2] if index > 1 else signal
            )
            middle = output[:, factor * third : 2 * factor * third]
            start, end = boundary_samples(alone[index - 1], middle)
            found += [("boundary_start", NO_FREQUENCY, start, "samples")]
            found += [("boundary_end", NO_FREQUENCY, end, "samples")]
            images = image_levels_db(output, rate_hz, RATE_HZ, 0.0)
            found += [("offset_image_level", hz, level, "dB") for hz, level in images.items()]
            if name in ("nearest_alone", "linear_alone") and signal_name == "noise":
                found.append(
                    ("response_error", NO_FREQUENCY, _error(output, rate_hz, name, index), "dB")
                )
            rows += [(signal_name, f"layer_{index}", *row) for row in found]
    time = next(iter(test_signals.values())).shape[-1]
    tone = np.sqrt(2) * np.sin(2 * np.pi * TONE_HZ / RATE_HZ * np.arange(time, dtype=np.float64))
    for index, output in enumerate(_outputs(stack, tone[None].astype(np.float32)), start=1):
        images = image_levels_db(output, RATE_HZ * STRIDE**index, RATE_HZ, TONE_HZ)
        rows += [
            ("tone", f"layer_{index}", "tone_image_level", hz, level, "dB")
            for hz, level in images.items()
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


@torch.inference_mode()
def _outputs(stack: nn.Module, signal: np.ndarray) -> list[np.ndarray]:
    return [output[0].numpy() for output in stack(torch.from_numpy(signal)[None])]


def _error(output: np.ndarray, rate_hz: int, name: str, layers: int) -> float:
    """How far the spectrum of white noise is from what theory says of a stack of interpolations."""
    kind = name.removesuffix("_alone")
    frequencies_hz, power = power_density(output, rate_hz)
    theory_db = stack_response_db([kind] * layers, STRIDE, frequencies_hz, rate_hz)
    return response_error_db(10 * np.log10(power), theory_db)


def probe_reading(name: str, seed: int, test_signals: dict[str, np.ndarray]) -> pd.DataFrame:
    """Probe a narrow Demucs built as one of ``READINGS`` says.

    Returns:
        The columns ``COLUMNS``.
    """
    upsampler = {"name": "transposed", "length": 8}
    model = models.build(
        "demucs", READING_SIZE | READINGS[name], upsampler, n_sources=4, audio_channels=2, seed=seed
    )
    return probe_model(model.eval(), test_signals, READING_RATE_HZ).measures


def zero_insertion_error(kind: str, seed: int, stride: int = 4) -> float:
    """Largest difference between an interpolation and zero insertion + a fixed filter (section 3).

    In float64, on white noise, away from the borders, where an interpolation holds the end
    samples and a filter sees zeros.

    Args:
        kind: "nearest" (a filter of ones) or "linear" (a triangle).
        seed: Of the noise.
        stride: Upsampling factor.
    """
    x = torch.randn(1, 1, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    options = {} if kind == "nearest" else {"align_corners": False}
    interpolated = F.interpolate(x, scale_factor=stride, mode=kind, **options)
    stretched = torch.zeros(1, 1, 200 * stride, dtype=torch.float64)
    stretched[..., ::stride] = x
    kernel = interpolation_kernel(kind, stride)
    left = stride - 1 if kind == "nearest" else stride + (stride - 1) // 2
    filtered = F.conv1d(F.pad(stretched, (left, len(kernel))), kernel[None, None])
    inner = slice(2 * stride, -2 * stride)
    return float((interpolated - filtered[..., : 200 * stride])[..., inner].abs().max())


def interpolation_kernel(kind: str, stride: int) -> Tensor:
    """The fixed filter of an interpolation, ``(time,)`` float64.

    Nearest: every inserted sample is held for ``stride`` samples. Linear: a triangle that falls
    from one input sample to the next; with ``align_corners=False`` the outputs lie at the
    middles of ``stride`` equal parts, so an even stride samples it half a sample off its peak.
    """
    if kind == "nearest":
        return torch.ones(stride, dtype=torch.float64)
    off = 0.5 if stride % 2 == 0 else 0.0
    positions = torch.arange(-stride, stride, dtype=torch.float64) + off
    return 1 - positions.abs() / stride


def measures_of_identities(seeds: list[int]) -> pd.DataFrame:
    """``zero_insertion_error`` of both interpolations as rows: seed and ``COLUMNS``, model."""
    rows = [
        (f"{kind}_interpolation", seed, "noise", OUTPUT, "zero_insertion_error", NO_FREQUENCY,
         zero_insertion_error(kind, seed), "1")
        for kind in ("nearest", "linear")
        for seed in seeds
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "seed", *COLUMNS])
