"""Tables of measured speeds for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd


def make_steps(rows: dict[tuple[str, str], float], **changes: object) -> pd.DataFrame:
    """A table like ``steps.csv``: a ratio per system and implementation, quartiles 0.1 away."""
    ratio = np.array(list(rows.values()))
    spread = np.where(ratio == 1, 0.0, 0.1)
    columns = {
        "system": [system for system, _ in rows],
        "implementation": [implementation for _, implementation in rows],
        "device": "cpu", "precision": "32-true", "batch": 4, "segment_seconds": 1.024,
        "median_step_seconds": 0.02 * ratio, "ratio_to_transposed": ratio,
        "peak_bytes": 33_000_000, "tflop_per_step": 0.0015, "fraction_of_peak": 0.6,
        "epoch_seconds": 2.0 * ratio, "ratio_low_quartile": ratio - spread,
        "ratio_high_quartile": ratio + spread, "peak_tflop_per_second": 0.11, "repeats": 40,
        "threads": 1, "cores": 2, "load_average": 1.25,
    }  # fmt: skip
    return pd.DataFrame(columns | changes)


def make_layers(speed_ups: dict[tuple[str, int, int], float], min_fused: int) -> pd.DataFrame:
    """A table like ``upsamplers.csv``.

    Args:
        speed_ups: Time of a plain layer divided by that of a fused one, by kind, width and
            number of output samples (time x batch).
        min_fused: Smallest number of samples at which ``auto`` chooses the fused layer.
    """
    rows = []
    for (kind, width, samples), speed_up in speed_ups.items():
        shape = {"upsampler": kind, "c_in": width, "c_out": width, "time": samples // 4, "batch": 4}
        conditions = {"direction": "step", "device": "cpu", "threads": 1, "repeats": 15}
        conditions |= {"load_average": 0.5}
        fused = samples >= min_fused
        rows += [
            {**shape, **conditions, "implementation": "plain", "ratio_to_plain": 1.0,
             "chosen": not fused, "saved_bytes_per_example": 400},
            {**shape, **conditions, "implementation": "fused", "ratio_to_plain": 1 / speed_up,
             "chosen": fused, "saved_bytes_per_example": 100},
        ]  # fmt: skip
    return pd.DataFrame(rows)
