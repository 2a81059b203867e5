"""The Demucs-like network of sections 1 and 6 of the paper.

After Défossez et al., "Music source separation in the waveform domain" (2019), the first released
version, with the paper's wider context (3 samples in encoder and decoder) and an exchangeable
upsampling layer. At 100 channels and 6 levels, it has the parameter counts of the paper's Table 1
(tests/models/test_demucs.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.types import MakeUpsampler
from upsampling_artifacts.upsamplers.base import SameConvolution

LENGTH = 8
STRIDE = 4
RELUS = ("first_encoder", "first_decoder", "last_decoder")


class Demucs(nn.Module):
    """U-Net on waveforms: strided convolutions, a bidirectional LSTM and upsampling layers.

    ::

        encoder i   convolution 8, stride 4 - ReLU - convolution 3 to twice the channels - GLU
        bottleneck  bidirectional LSTM - linear
        decoder i   + skip - convolution 3 to twice the channels - GLU - upsampler x4 - ReLU
                    (no ReLU after the last)

    The paper's "modified" form (figure 9) removes the sources of DC offsets: every bias, and "the
    ReLUs of the first layer". The paper does not define the first layer. Each reading has a name
    in ``omit_relu``, and they can be combined:

    - ``first_encoder``: the layer that runs first. Omits the ReLU after the strided convolution
      of encoder 1.
    - ``first_decoder``: the decoder layer that runs first. Omits the ReLU after the upsampler of
      the innermost level.
    - ``last_decoder``: the decoder layer closest to the waveform that has a ReLU. The outermost
      one has none, so this is the one that feeds it.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``
        - Output: ``(batch, n_sources, audio_channels, time)``

    Args:
        make_upsampler: Makes the upsampling layer of each decoder level.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source.
        channels: Width of the first level. It doubles from level to level.
        depth: Number of levels.
        lstm_layers: Layers of the bidirectional LSTM; 0 for none.
        glu: Whether a gated linear unit, rather than a ReLU, follows each level's second
            convolution.
        encoder_context: Length of that convolution in the encoder (1 in the original Demucs).
        decoder_context: Length of that convolution in the decoder.
        rescale: Standard deviation toward which the initial weights are rescaled; 0 for none.
        bias: Whether convolutions, LSTM and linear layer have biases.
        omit_relu: ReLUs to omit, a list of names in ``RELUS``. Names of ReLUs that a shallow model
            does not have are ignored.

    Raises:
        InputError: ``omit_relu`` contains an unknown name, or ``rescale`` is negative.
    """

    def __init__(
        self,
        make_upsampler: MakeUpsampler,
        *,
        n_sources: int,
        audio_channels: int,
        channels: int = 100,
        depth: int = 6,
        lstm_layers: int = 2,
        glu: bool = True,
        encoder_context: int = 3,
        decoder_context: int = 3,
        rescale: float = 0.1,
        bias: bool = True,
        omit_relu: Sequence[str] = (),
    ):
        super().__init__()
        if not set(omit_relu) <= set(RELUS):
            raise InputError(f"omit_relu: {omit_relu!r} is not a list of {', '.join(RELUS)}")
        if rescale < 0:
            raise InputError(f"rescale: {rescale} is no standard deviation; use 0.1, or 0 for none")
        self.n_sources = n_sources
        self.depth = depth
        linear_decoders = {0}  # the output is not rectified
        linear_decoders |= {depth - 1} if "first_decoder" in omit_relu else set()
        linear_decoders |= {1} if "last_decoder" in omit_relu else set()

        def mix(width: int, length: int) -> nn.Sequential:
            wider = 2 * width if glu else width
            convolution = SameConvolution(width, wider, length, bias=bias)
            return nn.Sequential(convolution, nn.GLU(dim=1) if glu else nn.ReLU())

        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = audio_channels
        for level in range(depth):
            width = channels * 2**level
            outermost = level == 0
            down = nn.Conv1d(
                below, width, LENGTH, STRIDE, padding=(LENGTH - STRIDE) // 2, bias=bias
            )
            rectify = [] if outermost and "first_encoder" in omit_relu else [nn.ReLU()]
            self.encoder.append(nn.Sequential(down, *rectify, *mix(width, encoder_context)))

            target = n_sources * audio_channels if outermost else below
            up = make_upsampler(width, target, STRIDE, bias)
            rectify = [] if level in linear_decoders else [nn.ReLU()]
            self.decoder.insert(0, nn.Sequential(*mix(width, decoder_context), up, *rectify))
            below = width

        self.lstm = None
        if lstm_layers:
            self.lstm = nn.LSTM(below, below, lstm_layers, bidirectional=True, bias=bias)
            self.linear = nn.Linear(2 * below, below, bias=bias)
        if rescale:
            rescale_weights(self, rescale)

    def forward(self, mixture: Tensor) -> Tensor:
        batch, audio_channels, time = mixture.shape
        # Pad so that every level divides the length by four without a remainder.
        x = F.pad(mixture, (0, -time % STRIDE**self.depth))
        skips = []
        for encode in self.encoder:
            x = encode(x)
            skips.append(x)
        if self.lstm is not None:
            x, _ = self.lstm(x.permute(2, 0, 1))
            x = self.linear(x).permute(1, 2, 0)
        for decode in self.decoder:
            x = decode(x + skips.pop())
        return x[..., :time].reshape(batch, self.n_sources, audio_channels, time)


@torch.no_grad()
def rescale_weights(model: nn.Module, reference: float) -> None:
    """Rescale the weights of all convolutions in place (section 6 of the paper).

    Weight and bias are divided by ``sqrt(std(weight) / reference)``, so that input and output of
    the initialized layer have about the same magnitude. Constant filters have no deviation and
    stay as they are.

    Args:
        model: Any module.
        reference: Standard deviation toward which the weights are rescaled.

    Example:
        >>> layer = nn.Conv1d(1, 1, 2)
        >>> layer.weight.data = torch.tensor([[[-0.4, 0.4]]])
        >>> before = layer.weight.std() / 0.1
        >>> rescale_weights(layer, reference=0.1)
        >>> bool(torch.isclose(layer.weight.std() / 0.1, before.sqrt()))
        True
    """
    for module in model.modules():
        # Weights on the meta device have no values; comparing them loads torch's compiler.
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d) and not module.weight.is_meta:
            weight = module.weight
            spread = torch.where(weight.min() < weight.max(), weight.std(), reference)
            scale = (spread / reference).sqrt()
            weight.div_(scale)
            if module.bias is not None:
                module.bias.div_(scale)
