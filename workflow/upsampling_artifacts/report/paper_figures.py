"""What stands under the paper's figures."""

from __future__ import annotations

CAPTIONS = {
    1: "After random initialization, six seconds of white noise in; mean power over the outputs, "
    "dB re the input's maximum. MelGAN and Demucs with transposed or subpixel convolutions draw "
    "horizontal lines, tonal artifacts; nearest-neighbour and linear interpolation draw dark "
    "valleys where those lines would be, filtering artifacts. Linear is not in the paper's.",
    2: "Transposed convolution without overlap: length = stride = 3, ones in, no bias. The "
    "weights repeat every three samples.",
    3: "Partial overlap: length 3, stride 2, ones in, weights of one. The copies of the filter "
    "overlap on every other sample only, which makes a pattern of constant weights.",
    4: "Full overlap: length 3, stride 1, ones in, weights of one. The overlap is the same "
    "everywhere but at the borders: boundary artifacts.",
    5: "Transposed convolutions fed with ten ones; boundary samples, which depart from the "
    "steady state, are marked. With weights of one, partial overlap makes a tone and full overlap "
    "none; with random weights both do.",
    6: "Interpolation x2 + convolution (length 9) three times over, mean power over channels. "
    "Above: nearest neighbour, music in. Below: linear, white noise in. No tones; valleys, their "
    "replicas, and replicas of the music.",
    7: "Subpixel convolution (length 3, x2), ones in: each layer adds a tone at its rate / 2 and "
    "exposes the replicas of those before it: 4, 8, 12 and 16 kHz after three.",
    8: "Above: transposed convolution (length 4, stride 2), ones in: as figure 7. Below: linear "
    "interpolation without convolutions, white noise in: valleys and their replicas.",
    9: "Demucs, original and modified (no biases, no ReLU in the first encoder level), white "
    "noise in, after random initialization: the lines of the original are gone.",
}


def paper_figures(figures: dict[str, str]) -> list[dict[str, object]]:
    """The paper's figures among the report's: ``{"name", "number", "caption", "alt"}``."""
    return [
        {
            "name": f"figure_{number}",
            "number": number,
            "caption": caption,
            "alt": f"The paper's figure {number}, computed: {caption}",
        }
        for number, caption in CAPTIONS.items()
        if f"figure_{number}" in figures
    ]
