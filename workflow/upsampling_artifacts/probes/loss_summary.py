"""How the gradients of losses are measured, and summarized: means over seeds with intervals.

The report imports this module, so it must not load torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from upsampling_artifacts.statistics import ERROR_RATE, mean_interval

RATE_HZ = 8000
SAMPLES = 16384
"""The length that WaveGAN's discriminator takes."""

MARGIN_SAMPLES = 1024
"""Samples at either end that are not measured: at the reflected ends of its widest transform, the
gradient of the STFT loss is hundreds of times stronger than elsewhere."""

EXAMPLES = 32
SDR_DB = 6.0
"""Target to error: about the scores of Table 1."""

BINS_PER_POINT = 8
"""How many bins of a spectrum share a point in the figure: the loudest, so that lines stay."""

LABELS = {
    "l1": "L1",
    "l2": "L2",
    "multi_resolution_stft": "multi-resolution STFT",
    "deep_features": "deep features, strided convolutions",
    "deep_features_pooling": "deep features, max pooling",
    "adversarial": "adversarial",
    "adversarial_phase_shuffle": "adversarial, phase shuffle",
}
"""Names of the library's losses in figures and tables; another one is called as in config."""


def summarize_gradients(gradients: pd.DataFrame) -> pd.DataFrame:
    """Compute means over seeds, with 95 % Student t intervals.

    Args:
        gradients: ``gradients.csv``.

    Returns:
        One row per loss, measure and frequency, in the order of the table, with the columns loss,
        measure, frequency_hz, n_seeds, mean, low and high. Values that are not defined are left
        out; the mean of none is NaN.
    """
    rows = []
    key = ["loss", "measure", "frequency_hz"]
    for group, values in gradients.groupby(key, sort=False)["value"]:
        with np.errstate(invalid="ignore"):  # the level of exact zeros is -inf
            mean, low, high = mean_interval(values.dropna().to_numpy())
        row = dict(zip(key, group, strict=True))
        rows.append(row | {"n_seeds": len(values), "mean": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def summarize_outputs(outputs: pd.DataFrame, losses: Sequence[str]) -> pd.DataFrame:
    """Compare the lines in the output of networks trained with each loss, paired by seed.

    The comparisons of all systems and losses with one signal at one frequency are a family.

    Args:
        outputs: ``losses/outputs.csv``.
        losses: The losses; the others are compared with the first.

    Returns:
        One row per system, loss, signal, frequency and measure, with the columns system, loss,
        signal, frequency_hz, measure, n_seeds, and means with 95 % Student t intervals: mean, low
        and high, change, change_low and change_high (simultaneous, Bonferroni). The first loss has
        a change of zero.
    """
    key = ["system", "signal", "frequency_hz", "measure"]
    n_comparisons = outputs["system"].nunique() * (len(losses) - 1)
    rows = []
    for group, table in outputs.groupby(key, sort=False):
        by_loss = table.pivot(index="seed", columns="loss", values="value").dropna()
        for loss in losses:
            values = by_loss[loss].to_numpy()
            with np.errstate(invalid="ignore"):  # the level of exact zeros is -inf
                mean, low, high = mean_interval(values)
                change, change_low, change_high = mean_interval(
                    values - by_loss[losses[0]].to_numpy(), 1 - ERROR_RATE / max(1, n_comparisons)
                )
            row = {"loss": loss, "n_seeds": len(values), "mean": mean, "low": low, "high": high}
            row |= {"change": change, "change_low": change_low, "change_high": change_high}
            rows.append(dict(zip(key, group, strict=True)) | row)
    return pd.DataFrame(rows)
