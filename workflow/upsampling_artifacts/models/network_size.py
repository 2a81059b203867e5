"""What a network takes. No result depends on it."""

from __future__ import annotations

from typing import NamedTuple


class NetworkSize(NamedTuple):
    """Parameters and FLOPs of a network (:func:`models.flops.network_size`).

    Attributes:
        parameters: Number of learnable parameters.
        tflop_per_second: TFLOP of a forward pass per second of audio.
        plain_tflop_per_second: The same where interpolation and convolution run separately, as in
            probes.
    """

    parameters: int
    tflop_per_second: float
    plain_tflop_per_second: float
