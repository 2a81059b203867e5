"""Sentences about images and clicks, for models and for files."""

from __future__ import annotations

from collections.abc import Sequence

from upsampling_artifacts.probes.findings import Finding

GOOD_RESAMPLER_DB = -40.0
"""Images this far below their originals are those of a resampler's filter. Linear interpolation,
the best of a network's usual layers, leaves -15 to -20 dB."""

IMAGES_DB = -60.0
"""Weaker images are below the stop band of usual resamplers."""


def image_finding(
    axis_hz: float, level_db: float, rate_hz: float, axes_hz: Sequence[float]
) -> Finding:
    """Say that a band mirrors another.

    Args:
        axis_hz: The frequency about which it does.
        level_db: Level of the images re the originals.
        rate_hz: Sampling rate.
        axes_hz: All axes that were found.

    Returns:
        The finding.
    """
    stride = round(rate_hz / 2 / axis_hz)
    others = [f"{hz:g} Hz" for hz in axes_hz if hz != axis_hz]
    sentence = (
        f"Spectral images: the band above {axis_hz:g} Hz mirrors that below, at {level_db:.0f} dB "
        f"re it, as after x{stride} upsampling from {2 * axis_hz:g} Hz"
        + (f"; also around {' and '.join(others)}" if others else "")
        + "."
    )
    values = {
        "axis_hz": axis_hz, "stride": stride, "level_db": level_db, "axes_hz": list(axes_hz),
    }  # fmt: skip
    return Finding("images", sentence, values)


def every(period: float, rate_hz: float) -> str:
    """``every 441 samples (0.01 s)``."""
    samples = f"{period:.0f}" if period == round(period) else f"{period:.2f}"
    return f"every {samples} samples ({period / rate_hz:.3g} s)"
