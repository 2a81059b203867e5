"""What to do about the tones of each kind of layer: the rows of a table of docs/remedies.md."""

from __future__ import annotations

from collections.abc import Sequence

PAGE = "docs/remedies.md"
"""Path in the repository; an installed package does not have it."""

REMEDIES = {
    "transposed": "with constant initial weights and full overlap it starts without a tone, which "
    "training may bring back; interpolation and a convolution avoid it",
    "subpixel": "with ICNR it starts without a tone, which training may bring back; interpolation "
    "and a convolution avoid it",
    "zero insertion": "needs filter phases of equal gain at 0 Hz; interpolation and a convolution "
    "avoid the tone",
    "istft": "identical frames repeat every hop; remove the biases before it",
    "interpolation": "turns no offset into a tone, but attenuates high frequencies; a nonlinearity "
    "after it can turn noise into a tone",
    "any": "if you cannot train again, subtract the response to silence from the output, which "
    "removes the tone in silence",
}
"""By kind of layer: one line of the summary, one row of the page."""

SAME_REMEDY = {"reshape": "subpixel", "indexing": "zero insertion", "fold": "istft"}
"""Kinds of layers that have the remedy of another kind."""


def remedies_of(kinds: Sequence[str], can_subtract: bool) -> list[str]:
    """What the page says about some kinds of layers.

    Args:
        kinds: Kinds of the upsampling layers, as in :class:`layer_tracer.Layer`.
        can_subtract: Whether a response to silence holds the tones and nothing that is wanted, as
            the harmonics of a source are.

    Returns:
        A line for each remedy, then subtraction; none without an upsampling layer.

    >>> for line in remedies_of(["fold", "istft"], can_subtract=False):
    ...     print(line)
    istft: identical frames repeat every hop; remove the biases before it
    """
    names = dict.fromkeys(SAME_REMEDY.get(kind, kind) for kind in kinds)
    lines = [f"{name}: {REMEDIES[name]}" for name in names if name in REMEDIES]
    return [*lines, REMEDIES["any"]] if lines and can_subtract else lines
