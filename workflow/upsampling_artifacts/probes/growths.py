"""How much longer an axis of a tensor is in a second run of a model, and the rates that follow."""

from __future__ import annotations

from fractions import Fraction

ROUNDING = 0.04
"""Relative difference of growths that padding and trimming explain, at most: two frames in 50."""

ROUNDING_SAMPLES = 2
"""The same in samples, for short signals."""


def growth_of(shape: tuple[int, ...], longer: tuple[int, ...]) -> tuple[int | None, int]:
    """The axis that grows, counted from the end, and by how much; None if it is not exactly one."""
    if len(shape) != len(longer):
        return None, 0
    axes = [axis for axis in range(-len(shape), 0) if shape[axis] != longer[axis]]
    if len(axes) != 1 or longer[axes[0]] < shape[axes[0]]:
        return None, 0
    return axes[0], longer[axes[0]] - shape[axes[0]]


def is_close(rate: Fraction, other: Fraction, growth: int) -> bool:
    """Whether two rates differ by padding and trimming only, if the signal grew by ``growth``."""
    tolerance = max(ROUNDING, ROUNDING_SAMPLES / growth if growth else 0.0)
    return abs(float(rate / other) - 1) <= tolerance


def simple_ratio(ratio: Fraction, growth: int) -> Fraction:
    """The integer, or the inverse of one, that a measured ratio is close to."""
    nearest = Fraction(round(ratio)) if ratio >= 1 else Fraction(1, round(1 / ratio))
    return nearest if is_close(ratio, nearest, growth) else ratio
