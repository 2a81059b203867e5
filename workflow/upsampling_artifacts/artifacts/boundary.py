"""Boundary artifacts: output samples that the ends of the input affect (section 2 of the paper)."""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.errors import InputError


def boundary_samples(
    output: np.ndarray, reference: np.ndarray, tolerance_db: float = -60.0
) -> tuple[int, int]:
    """Number of samples at each end that boundary artifacts affect.

    Args:
        output: ``(channels, time)``, a layer's response to a finite input.
        reference: ``(channels, time)``, the same samples cut from the response to a longer
            input: the steady state.
        tolerance_db: Largest difference to ignore (RMS over channels), in dB re the RMS of the
            reference. If the reference is exactly zero, no difference is ignored.

    Returns:
        ``(start, end)``: how far the samples that differ reach from each end, at most to the
        middle. If all samples differ, the two add up to the length.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> reference = np.ones((1, 100))
        >>> output = reference.copy()
        >>> output[:, [0, 2, 99]] = 0.5
        >>> boundary_samples(output, reference)
        (3, 1)
    """
    if output.shape != reference.shape:
        raise InputError(
            f"output: shape {output.shape} differs from the reference's, {reference.shape}"
        )
    reference = reference.astype(np.float64)
    difference = np.mean((output - reference) ** 2, axis=0)
    differs = difference > 10 ** (tolerance_db / 10) * np.mean(reference**2)
    half = len(differs) // 2
    first, second = np.flatnonzero(differs[:half]), np.flatnonzero(differs[half:])
    start = int(first[-1]) + 1 if len(first) else 0
    end = len(differs) - half - int(second[0]) if len(second) else 0
    return start, end
