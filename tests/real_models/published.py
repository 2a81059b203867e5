"""What is known of each model from its publication: one row per model, written by hand.

An upsampling layer is ``(kind, stride, period)``. Its period, in samples of the model's output, is
the product of its stride and of all that changes the rate behind it on the path to the output. It
puts tones at multiples of rate / period. A period of 1 (a layer behind which the rate is divided by
its stride again) puts none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tests.real_models import builders


@dataclass(frozen=True)
class Published:
    """A published model.

    Attributes:
        build: Returns it, with random weights.
        package: What has to be installed, as it is imported.
        rate_hz: Sampling rate of its output.
        input_kind: ``audio`` or ``features``.
        channels: Of its input.
        up: Its upsampling layers, ``(kind, stride, period)``, in the order they run.
        down: Strides of its downsampling layers.
    """

    build: Callable[[], nn.Module]
    package: str
    rate_hz: int
    input_kind: str
    channels: int
    up: list[tuple[str, int, int]]
    down: tuple[int, ...] = ()

    @property
    def periods(self) -> set[int]:
        """The true periods; a tone elsewhere than at multiples of rate / period is a phantom."""
        return {period for _, _, period in self.up}


def transposed(*strides: int, then: int = 1) -> list[tuple[str, int, int]]:
    """Transposed convolutions in a row, and what multiplies the rate behind them."""
    return in_a_row("transposed", *strides, then=then)


def in_a_row(kind: str, *strides: int, then: int = 1) -> list[tuple[str, int, int]]:
    """Layers of one kind in a row.

    >>> in_a_row("transposed", 8, 5, 2)
    [('transposed', 8, 80), ('transposed', 5, 10), ('transposed', 2, 2)]
    """
    layers: list[tuple[str, int, int]] = []
    for stride in reversed(strides):
        then *= stride
        layers.insert(0, (kind, stride, then))
    return layers


HIFI_GAN = transposed(8, 8, 2, 2)
DESCRIPT = transposed(8, 8, 4, 2)
ENCODEC = transposed(8, 5, 4, 2)

# The time branch strides by 4 five times, to one sample per frame of the STFT. Merged, the branches
# stride by 2 once more.
HYBRID_DEMUCS = [("transposed", 2, 2048), *transposed(4, 4, 4, 4, 4), ("istft", 1024, 1024)]

PUBLISHED = {
    "encodec (transformers)": Published(
        builders.transformers_encodec, "transformers", 24_000, "audio", 1, ENCODEC, (2, 4, 5, 8)
    ),
    "dac (transformers)": Published(
        builders.transformers_dac, "transformers", 16_000, "audio", 1, DESCRIPT, (2, 4, 8, 8)
    ),
    "mimi (transformers)": Published(
        builders.transformers_mimi, "transformers", 24_000, "audio", 1,
        transposed(2, 8, 6, 5, 4), (4, 5, 6, 8, 2),
    ),
    "hifigan of speecht5 (transformers)": Published(
        builders.transformers_speecht5_hifigan, "transformers", 16_000, "features", 80,
        transposed(4, 4, 4, 4),
    ),
    # Location-variable convolutions cut their input into frames, each with a kernel of its own, and
    # join the outputs. A frame is 256 samples of the output at each of the three rates.
    "univnet (transformers)": Published(
        builders.transformers_univnet, "transformers", 24_000, "features", 100,
        [*transposed(8, 8, 4), *(("reshape", hop, 256) for hop in (8, 64, 256))], (8, 64, 256),
    ),
    "hifigan of vits (transformers)": Published(
        builders.transformers_vits_decoder, "transformers", 16_000, "features", 192, HIFI_GAN
    ),
    "vocos": Published(
        builders.vocos_24khz, "vocos", 24_000, "audio", 1, [("istft", 256, 256)], (256,)
    ),
    # With padding "same", the inverse STFT is an overlap-add by F.fold.
    "vocos, padding same": Published(
        builders.vocos_same_padding, "vocos", 24_000, "features", 100, [("fold", 256, 256)]
    ),
    # The first two quantizers work at a quarter and half of the frame rate.
    "snac": Published(
        builders.snac_24khz, "snac", 24_000, "audio", 1,
        [("interpolation", 4, 2048), ("interpolation", 2, 1024), *DESCRIPT], (2, 4, 8, 8, 4, 2),
    ),
    # Each activation runs at twice the rate of its convolutions, in parallel to the main path.
    "bigvgan": Published(
        builders.bigvgan_24khz, "bigvgan", 24_000, "features", 100,
        [*HIFI_GAN, ("transposed", 2, 32), ("transposed", 2, 4), ("transposed", 2, 2),
         ("transposed", 2, 1)],
        (2,),
    ),
    # The network runs at twice the rate: its last layer puts tones at multiples of rate / 2.
    "demucs": Published(
        builders.demucs_v2, "demucs", 44_100, "audio", 2,
        [("transposed", 4, 4**n // 2) for n in (6, 5, 4, 3, 2, 1)], (4, 4, 4, 4, 4, 4, 2),
    ),
    "hybrid demucs": Published(
        builders.hybrid_demucs, "demucs", 44_100, "audio", 2, HYBRID_DEMUCS,
        (1024, 4, 4, 4, 4, 4, 2),
    ),
    "hybrid demucs (torchaudio)": Published(
        builders.torchaudio_hybrid_demucs, "torchaudio", 44_100, "audio", 2, HYBRID_DEMUCS,
        (1024, 4, 4, 4, 4, 4, 2),
    ),
    "descript audio codec": Published(
        builders.descript_codec, "dac", 44_100, "audio", 1, DESCRIPT, (2, 4, 8, 8)
    ),
    "encodec": Published(
        builders.encodec_24khz, "encodec", 24_000, "audio", 1, ENCODEC, (2, 4, 5, 8)
    ),
    "parallel wavegan": Published(
        builders.parallel_wavegan, "parallel_wavegan", 24_000, "features", 80,
        in_a_row("interpolation", 4, 4, 4, 4),
    ),
    "melgan (parallel_wavegan)": Published(
        builders.melgan, "parallel_wavegan", 22_050, "features", 80, HIFI_GAN
    ),
    # The synthesis filters of the four bands are a transposed convolution of stride 4.
    "multi-band melgan (parallel_wavegan)": Published(
        builders.multi_band_melgan, "parallel_wavegan", 24_000, "features", 80,
        transposed(8, 4, 2, 4),
    ),
    # Noise, of which there is one vector in 80 frames, is upsampled to the frame rate.
    "stylemelgan (parallel_wavegan)": Published(
        builders.style_melgan, "parallel_wavegan", 24_000, "features", 80,
        [*transposed(10, 2, 2, 2, then=300), *in_a_row("interpolation", 5, 5, 3, 2, 2)],
    ),
    "hifigan (parallel_wavegan)": Published(
        builders.hifigan_v2, "parallel_wavegan", 22_050, "features", 80, HIFI_GAN
    ),
    "hifigan (speechbrain)": Published(
        builders.speechbrain_hifigan, "speechbrain", 22_050, "features", 80, HIFI_GAN
    ),
    "conv-tasnet (asteroid)": Published(
        builders.asteroid_conv_tasnet, "asteroid", 8000, "audio", 1, transposed(8), (8,)
    ),
    # Chunks of 100 frames overlap by half.
    "dual-path rnn (asteroid)": Published(
        builders.asteroid_dprnn, "asteroid", 8000, "audio", 1,
        [("fold", 50, 400), ("transposed", 8, 8)], (8, 50),
    ),
    # Each block has four scales: nearest-neighbor interpolation from each to the next.
    "sudormrf (asteroid)": Published(
        builders.asteroid_sudormrf, "asteroid", 8000, "audio", 1,
        [*in_a_row("interpolation", 2, 2, 2, then=10), ("transposed", 10, 10)], (10, 2, 2, 2),
    ),
    # The last of five encoders strides along frequency only; so does the first decoder. Asteroid's
    # inverse STFT is a transposed convolution.
    "dcunet (asteroid)": Published(
        builders.asteroid_dcunet, "asteroid", 16_000, "audio", 1,
        transposed(2, 2, 2, 2, 256), (256, 2, 2, 2, 2),
    ),
    "conv-tasnet (torchaudio)": Published(
        builders.torchaudio_conv_tasnet, "torchaudio", 8000, "audio", 1, transposed(8), (8,)
    ),
    "oobleck (diffusers)": Published(
        builders.oobleck, "diffusers", 44_100, "audio", 2,
        transposed(8, 8, 4, 4, 2), (2, 4, 4, 8, 8),
    ),
    "open-unmix": Published(
        builders.open_unmix, "openunmix", 44_100, "audio", 2, [("istft", 1024, 1024)], (1024,)
    ),
}  # fmt: skip
