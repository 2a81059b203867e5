"""Boundary artifacts: how far from its ends a signal comes out otherwise (section 2)."""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.errors import InputError


def boundary_samples(
    output: np.ndarray, reference: np.ndarray, tolerance_db: float = -60.0
) -> tuple[int, int]:
    """Count the samples at both ends that a signal's beginning and end change.

    Args:
        output: ``(channels, time)``, made from a signal that begins and ends.
        reference: ``(channels, time)``, the same samples in the middle of a longer signal: the
            steady state.
        tolerance_db: How far the two may differ (RMS over channels), re the RMS of the
            reference. If the reference is exactly zero, they may not differ at all.

    Returns:
        ``(start, end)``: up to the innermost sample that departs, looking from each end to the
        middle; their sum is the whole length if all depart.

    Raises:
        InputError: The shapes differ.
    """
    if output.shape != reference.shape:
        raise InputError(
            f"output: shape {output.shape} differs from the reference's, {reference.shape}"
        )
    reference = reference.astype(np.float64)
    difference = np.mean((output - reference) ** 2, axis=0)
    departs = difference > 10 ** (tolerance_db / 10) * np.mean(reference**2)
    half = len(departs) // 2
    first, second = np.flatnonzero(departs[:half]), np.flatnonzero(departs[half:])
    start = int(first[-1]) + 1 if len(first) else 0
    end = len(departs) - half - int(second[0]) if len(second) else 0
    return start, end
