"""The gradient that a loss sends back to the waveform: does it repeat with the loss's strides?

The backward pass of a strided convolution is a transposed convolution (section 2 of the paper,
issue iii). Its input, the gradient of the features, is noise-like if the error is. What repeats is
therefore found by averaging over examples: the mean gradient, whose lines are tones, and the mean
square, whose lines show that some phases get more gradient than others (Odena, Dumoulin & Olah
2016, "Deconvolution and checkerboard artifacts", reference 15).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts import registry
from upsampling_artifacts.artifacts.ensembles import mean_pattern, measure_pattern, power_pattern
from upsampling_artifacts.artifacts.lines import predicted_frequencies
from upsampling_artifacts.artifacts.spectra import line_spectrum
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_loss, seeded
from upsampling_artifacts.probes.loss_summary import (
    BINS_PER_POINT,
    EXAMPLES,
    MARGIN_SAMPLES,
    RATE_HZ,
    SAMPLES,
    SDR_DB,
)
from upsampling_artifacts.probes.measures_table import GRADIENT_COLUMNS
from upsampling_artifacts.progress import Progress

FREQUENCIES_HZ = predicted_frequencies(RATE_HZ, 16)
"""Multiples of the rate over the strides of one and of two convolutions of stride 4."""

CONTROL_STRIDES = (64,)
"""Controls also keep clear of the frequencies of a third such convolution."""

PATTERNS = {"gradient": mean_pattern, "gradient_power": power_pattern}
UNITS = {"level": "dB", "prominence": "dB", "chance": "1"}


def probe_loss_gradients(
    losses: dict[str, dict[str, Any]],
    seeds: list[int],
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Measure the gradient of each loss, given white noise with an error of white noise.

    Without the loss, nothing in this gradient could repeat.

    Args:
        losses: By label: ``{"name", **options}`` as for :func:`models.build.build_loss`, or an
            adversarial loss.
        seeds: Each seeds the weights of the loss, if it has any, and the noise.
        csv_path: Where to write the table, with the columns
            :data:`measures_table.GRADIENT_COLUMNS`.
        arrays_path: Where to write the spectra, means over seeds: ``frequencies_hz``, and for each
            loss ``<label>/gradient_db`` and ``<label>/gradient_power_db``.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    known = registry.LOSSES | registry.ADVERSARIAL_LOSSES
    progress = Progress(len(losses) * len(seeds), "probing the gradients of losses")
    rows: list[tuple] = []
    arrays: dict[str, Any] = {
        "frequencies_hz": _thin(np.fft.rfftfreq(SAMPLES - 2 * MARGIN_SAMPLES, 1 / RATE_HZ))
    }
    for label, loss in losses.items():
        spectra: dict[str, list[np.ndarray]] = {kind: [] for kind in PATTERNS}
        for seed in seeds:
            gradients = loss_gradients(build_loss(loss, known=known, seed=seed), seed)
            for kind, pattern_of in PATTERNS.items():
                pattern = pattern_of(gradients)
                rows += [(label, seed, *row) for row in _measure(kind, pattern)]
                spectra[kind].append(line_spectrum(pattern))
            progress.step()
        for kind, powers in spectra.items():
            with np.errstate(divide="ignore"):
                level_db = 10 * np.log10(_thin(np.mean(powers, axis=0)))
            arrays[f"{label}/{kind}_db"] = level_db.astype(np.float32)
    with atomic_write(csv_path) as unfinished:
        table = pd.DataFrame(rows, columns=GRADIENT_COLUMNS)
        table.to_csv(unfinished, index=False, float_format="%.6g")
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def loss_gradients(loss: nn.Module, seed: int, examples: int = EXAMPLES) -> np.ndarray:
    """Gradients of a loss with respect to the estimate.

    The target is white noise of RMS 1, the estimate the target plus white noise ``SDR_DB`` below.

    Args:
        loss: From estimate and target, both ``(batch, sources, channels, time)``, to a scalar.
        seed: Seeds the noise, and what is random in the loss.
        examples: Number of gradients. The loss is called once for each.

    Returns:
        ``(example, time)``, float64, without the ends. Each has RMS 1, so that none dominates.
    """
    gradients = []
    with seeded(seed):
        for _ in range(examples):
            target, noise = torch.randn(2, 1, 1, 1, SAMPLES)
            estimate = (target + 10 ** (-SDR_DB / 20) * noise).requires_grad_()
            (gradient,) = torch.autograd.grad(loss(estimate, target), estimate)
            inner = gradient.flatten().double().numpy()[MARGIN_SAMPLES:-MARGIN_SAMPLES]
            gradients.append(inner / np.sqrt(np.mean(inner**2)))
    return np.stack(gradients)


def _measure(kind: str, pattern: np.ndarray) -> list[tuple[float, str, float, str]]:
    """Rows of frequency, measure, value and unit."""
    measures = measure_pattern(pattern, RATE_HZ, FREQUENCIES_HZ, CONTROL_STRIDES)
    return [
        (frequency_hz, f"{kind}_{name}", value, UNITS[name])
        for name, values in measures.items()
        for frequency_hz, value in zip(FREQUENCIES_HZ, values, strict=True)
    ]


def _thin(spectrum: np.ndarray) -> np.ndarray:
    """The largest of each ``BINS_PER_POINT`` bins."""
    return np.maximum.reduceat(spectrum, np.arange(0, len(spectrum), BINS_PER_POINT))
