"""Speed-ups of fused layers, from ``upsamplers.csv``; needs no torch."""

from __future__ import annotations

import pandas as pd


def speed_ups(layers: pd.DataFrame) -> pd.DataFrame:
    """Compute how many times faster a fused layer is than interpolation and convolution in turn.

    Args:
        layers: ``upsamplers.csv``.

    Returns:
        The rows of fused layers, forward and backward pass together, with three more columns:
        ``samples`` (input samples, time x batch), ``widths`` (channels, e.g. "128 to 64") and
        ``speed_up``.
    """
    rows = layers[(layers["direction"] == "step") & (layers["implementation"] == "fused")]
    widths = [
        f"{c_in}" if c_in == c_out else f"{c_in} to {c_out}"
        for c_in, c_out in zip(rows["c_in"], rows["c_out"], strict=True)
    ]
    return rows.assign(
        samples=rows["time"] * rows["batch"], widths=widths, speed_up=1 / rows["ratio_to_plain"]
    )
