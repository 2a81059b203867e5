"""Transposed convolution, with no, partial or full overlap (section 2 of the paper)."""

from __future__ import annotations

from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import Upsampler, check_initialization
from upsampling_artifacts.upsamplers.low_pass import make_low_pass


class TransposedConvolution(Upsampler):
    """Adds one copy of the filter per input sample, scaled by it, ``stride`` samples apart.

    Length and stride decide the overlap (figures 2 to 5 of the paper)::

        no overlap        length == stride
        partial overlap   length not a multiple of stride: the number of copies that
                          overlap varies from sample to sample, which is itself a tone
        full overlap      length a multiple of stride

    The copies extend ``length - stride`` samples beyond ``time * stride``. These are trimmed, half
    from each end, which centers each copy on the output samples of its input sample::

        stride 2, length 4:     w w w w            copy of input sample 0
                                    w w w w        copy of input sample 1
                                x o o o o x        o: output, x: trimmed

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length, at least ``stride``. None: twice the stride, the full overlap of
            Demucs and MelGAN.
        bias: Whether to learn a bias per output channel.
        initialization: ``default`` is torch's random initialization. ``constant`` sets all weights
            to ``1 / in_channels``, so the copies have the height of the mean input channel. With
            one channel, these are the ones of the paper's figures 3 to 5.
        low_pass: Filter the output with a ``fixed`` or ``learnable`` low-pass
            (:mod:`upsamplers.low_pass`), or with ``none``.

    Raises:
        InputError: The filter is shorter than the stride, which leaves gaps between the copies
            (the paper's "not desirable" case); or the initialization or the low-pass is unknown.

    Example:
        With a filter of three ones at stride 2, one or two copies overlap.

        >>> import torch
        >>> layer = TransposedConvolution(1, 1, 2, length=3, bias=False, initialization="constant")
        >>> layer.overlap
        'partial'
        >>> layer(torch.ones(1, 1, 4)).tolist()
        [[[1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]]]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int | None = None,
        bias: bool = True,
        initialization: str = "default",
        low_pass: str = "none",
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        check_initialization(initialization, "default", "constant")
        length = 2 * stride if length is None else length
        if length < stride:
            raise InputError(
                f"length: {length} is shorter than stride {stride} and would leave gaps in the "
                f"output; use {stride} or more"
            )
        self.convolution = nn.ConvTranspose1d(in_channels, out_channels, length, stride, bias=bias)
        if initialization == "constant":
            nn.init.constant_(self.convolution.weight, 1 / in_channels)
        self.low_pass = make_low_pass(low_pass, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        extra = self.convolution.kernel_size[0] - self.stride
        y = self.convolution(x)[..., extra // 2 :][..., : x.shape[-1] * self.stride]
        return self.low_pass(y)

    @property
    def overlap(self) -> str:
        """``"no"``, ``"partial"`` or ``"full"``, as in figure 2 of the paper."""
        length = self.convolution.kernel_size[0]
        if length == self.stride:
            return "no"
        return "partial" if length % self.stride else "full"
