"""Captions of the paper's figures, recomputed."""

from __future__ import annotations

from collections.abc import Container

from upsampling_artifacts.artifacts.contrast import REACH_HZ

CAPTIONS = {
    1: "Randomly initialized networks, white noise as input. a, b, d: horizontal lines (tonal "
    "artifacts). c, and linear interpolation: dark valleys where those lines would be (filtering "
    "artifacts). Numbers: how far the strongest line, or the deepest valley, stands out.",
    2: "Transposed convolution without overlap: kernel size = stride = 3, no bias, ones as input. "
    "The weights repeat every three samples.",
    3: "Transposed convolution with partial overlap: kernel size 3, stride 2, all weights one, "
    "ones as input. Copies of the filter overlap at every other sample only, so that even "
    "constant weights produce a pattern.",
    4: "Transposed convolution with full overlap: kernel size 3, stride 1, all weights one, ones "
    "as input. The overlap is uniform except at the borders (boundary artifacts).",
    5: "Transposed convolutions of ten ones. Boundary samples, which deviate from the steady "
    "state, are marked. With all weights one, partial overlap produces a tone and full overlap "
    "does not; with random weights both do.",
    6: "Three stages of ×2 interpolation and convolution (kernel size 9); mean power over "
    "channels. Top: nearest-neighbor interpolation, music as input. Bottom: linear interpolation, "
    "white noise as input. No tones appear, but valleys, their spectral images, and spectral "
    "images of the music.",
    7: "Subpixel convolutions (kernel size 3, ×2), ones as input. Each layer adds a tone at half "
    "its output rate and exposes the spectral images of earlier tones: 4, 8, 12 and 16 kHz after "
    "three layers.",
    8: "Top: transposed convolutions (kernel size 4, stride 2), ones as input; tones as in "
    "Figure 7. Bottom: linear interpolation without convolutions, white noise as input; valleys "
    "and their spectral images.",
    9: "Demucs, original and modified (a, b: no biases, no ReLU in the first encoder level), "
    "randomly initialized, white noise as input. The lines of the original are no longer visible. "
    "Numbers: how far the strongest predicted line stands out.",
}

STANDS_OUT = (
    "Six seconds; mean power over the outputs in dB re the maximum of the input. Levels below the "
    "scale are drawn darkest. A line stands out by its level, minus the median level within "
    f"{REACH_HZ:g} Hz of it; both are medians over time in this spectrogram."
)
DETAILS = {
    1: f"{STANDS_OUT} Letters as in the paper, whose figure does not include linear interpolation.",
    9: f"{STANDS_OUT} Letters as in the paper.",
}


def paper_figures(drawn: Container[str]) -> list[dict[str, str | int]]:
    """The paper's figures that have been drawn.

    Args:
        drawn: Names of the figures that exist, ``figure_1`` to ``figure_9`` among them.

    Returns:
        ``{"name", "number", "caption", "details", "alt"}`` for each, in the paper's order; details
        may be empty.
    """
    return [
        {
            "name": f"figure_{number}",
            "number": number,
            "caption": caption,
            "details": DETAILS.get(number, ""),
            "alt": f"Figure {number} of the paper, recomputed: {caption}",
        }
        for number, caption in CAPTIONS.items()
        if f"figure_{number}" in drawn
    ]
