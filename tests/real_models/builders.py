"""Published audio models, built offline with random weights.

Strides, kernel sizes and hops are those of the published configurations; channels are fewer where
the original would take minutes on one core. Each function returns the package's own module. It is
wrapped only if its ``forward`` needs more than one signal.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def randomize_codebooks(model: nn.Module) -> nn.Module:
    """Draw the codebooks that a package leaves at zero until weights are loaded."""
    for name, buffer in model.named_buffers():
        if name.rpartition(".")[2] in ("embed", "embed_sum"):
            nn.init.normal_(buffer)
        if name.endswith("cluster_usage"):
            nn.init.ones_(buffer)
    return model


def transformers_encodec() -> nn.Module:
    """EnCodec, 24 kHz (Défossez et al. 2022)."""
    from transformers import EncodecConfig, EncodecModel

    return randomize_codebooks(EncodecModel(EncodecConfig()))


def transformers_dac() -> nn.Module:
    """Descript audio codec, 16 kHz (Kumar et al. 2023)."""
    from transformers import DacConfig, DacModel

    return DacModel(DacConfig(encoder_hidden_size=16, decoder_hidden_size=192))


def transformers_mimi() -> nn.Module:
    """Mimi, 24 kHz (Défossez et al. 2024)."""
    from transformers import MimiConfig, MimiModel

    return randomize_codebooks(MimiModel(MimiConfig(num_hidden_layers=2, num_filters=16)))


def transformers_speecht5_hifigan() -> nn.Module:
    """HiFi-GAN of SpeechT5, 16 kHz (Ao et al. 2022)."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    return SpeechT5HifiGan(SpeechT5HifiGanConfig())


def transformers_univnet() -> nn.Module:
    """UnivNet, 24 kHz (Jang et al. 2021)."""
    from transformers import UnivNetConfig, UnivNetModel

    return UnivNetModel(UnivNetConfig())


def transformers_vits_decoder() -> nn.Module:
    """HiFi-GAN of VITS, 16 kHz (Kim et al. 2021)."""
    from transformers import VitsConfig, VitsModel

    return VitsModel(VitsConfig()).decoder


def vocos_24khz() -> nn.Module:
    """Vocos, 24 kHz (Siuzdak 2023), from audio to audio."""
    from vocos.feature_extractors import MelSpectrogramFeatures
    from vocos.pretrained import Vocos

    features = MelSpectrogramFeatures(sample_rate=24000, n_fft=1024, hop_length=256, n_mels=100)
    return Vocos(features, *vocos_vocoder("center"))


def vocos_same_padding() -> nn.Module:
    """The two parts of Vocos that are a vocoder, with the other padding of its inverse STFT."""
    return nn.Sequential(*vocos_vocoder("same"))


def vocos_vocoder(padding: str) -> tuple[nn.Module, nn.Module]:
    """Backbone and head of Vocos."""
    from vocos.heads import ISTFTHead
    from vocos.models import VocosBackbone

    return (
        VocosBackbone(input_channels=100, dim=512, intermediate_dim=1536, num_layers=8),
        ISTFTHead(dim=512, n_fft=1024, hop_length=256, padding=padding),
    )


def snac_24khz() -> nn.Module:
    """SNAC, 24 kHz (Siuzdak et al. 2024)."""
    from snac import SNAC

    return SNAC(
        sampling_rate=24000,
        encoder_dim=48,
        encoder_rates=[2, 4, 8, 8],
        decoder_dim=256,
        decoder_rates=[8, 8, 4, 2],
        attn_window_size=None,
        vq_strides=[4, 2, 1],
    )


def bigvgan_24khz() -> nn.Module:
    """BigVGAN base, 24 kHz, 100 bands (Lee et al. 2023)."""
    from bigvgan.bigvgan import BigVGAN
    from bigvgan.env import AttrDict

    return BigVGAN(
        AttrDict(
            num_mels=100,
            upsample_initial_channel=128,
            upsample_rates=[8, 8, 2, 2],
            upsample_kernel_sizes=[16, 16, 4, 4],
            resblock="1",
            resblock_kernel_sizes=[3, 7, 11],
            resblock_dilation_sizes=[[1, 3, 5]] * 3,
            activation="snakebeta",
            snake_logscale=True,
        )
    )


def demucs_v2() -> nn.Module:
    """Demucs, 44.1 kHz stereo (Défossez et al. 2021)."""
    from demucs.demucs import Demucs

    return Demucs(["drums", "bass", "other", "vocals"], channels=16)


def hybrid_demucs() -> nn.Module:
    """Hybrid Demucs, 44.1 kHz stereo (Défossez 2021)."""
    from demucs.hdemucs import HDemucs

    return HDemucs(["drums", "bass", "other", "vocals"], channels=16)


def torchaudio_hybrid_demucs() -> nn.Module:
    """Hybrid Demucs of torchaudio, 44.1 kHz stereo."""
    from torchaudio.models import HDemucs

    return HDemucs(["drums", "bass", "other", "vocals"], channels=16)


def descript_codec() -> nn.Module:
    """Descript audio codec, 44.1 kHz (Kumar et al. 2023)."""
    from dac import DAC

    return DAC(encoder_dim=16, decoder_dim=192, sample_rate=44100)


def encodec_24khz() -> nn.Module:
    """EnCodec of its authors, 24 kHz (Défossez et al. 2022)."""
    from encodec import EncodecModel

    model = EncodecModel._get_model([1.5, 3.0, 6.0, 12.0, 24.0], causal=True)
    model.set_target_bandwidth(6.0)
    for name, buffer in model.named_buffers():
        if name.endswith("inited"):
            nn.init.ones_(buffer)
    return randomize_codebooks(model)


class WithNoise(nn.Module):
    """A generator that takes noise beside the features, as its users call it.

    Shape:
        - Input: ``(batch, bins, frames)``
        - Output: ``(batch, 1, time)``

    Args:
        generator: Called with noise and features, or features and noise.
        draw: From the number of frames to noise, ``(1, channels, time)``.
        pad: Frames by which the features are extended on either side.
        noise_first: Order of the arguments.
    """

    def __init__(
        self,
        generator: nn.Module,
        draw: Callable[[int], Tensor],
        *,
        pad: int = 0,
        noise_first: bool = False,
    ):
        super().__init__()
        self.generator = generator
        self.draw = draw
        self.pad = pad
        self.noise_first = noise_first

    def forward(self, features: Tensor) -> Tensor:
        noise = self.draw(features.shape[-1])
        features = nn.functional.pad(features, (self.pad, self.pad), "replicate")
        return self.generator(*((noise, features) if self.noise_first else (features, noise)))


def parallel_wavegan() -> nn.Module:
    """Parallel WaveGAN, 24 kHz (Yamamoto et al. 2020)."""
    old_scipy()
    from parallel_wavegan.models import ParallelWaveGANGenerator

    return WithNoise(
        ParallelWaveGANGenerator(layers=10, stacks=1),
        lambda frames: torch.randn(1, 1, 256 * frames),
        pad=2,
        noise_first=True,
    )


def melgan() -> nn.Module:
    """MelGAN, 22.05 kHz (Kumar et al. 2019)."""
    old_scipy()
    from parallel_wavegan.models import MelGANGenerator

    return MelGANGenerator()


def multi_band_melgan() -> nn.Module:
    """Multi-band MelGAN, 24 kHz (Yang et al. 2021): four bands, and their synthesis by PQMF."""
    old_scipy()
    from parallel_wavegan.layers import PQMF
    from parallel_wavegan.models import MelGANGenerator

    class MultiBand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bands = MelGANGenerator(
                out_channels=4, channels=384, upsample_scales=[8, 4, 2], stacks=4
            )
            self.pqmf = PQMF()

        def forward(self, features: Tensor) -> Tensor:
            return self.pqmf.synthesis(self.bands(features))

    return MultiBand()


def style_melgan() -> nn.Module:
    """StyleMelGAN, 24 kHz (Mustafa et al. 2021). It takes whole groups of 80 frames."""
    old_scipy()
    from parallel_wavegan.models import StyleMelGANGenerator

    generator = StyleMelGANGenerator(
        noise_upsample_scales=[10, 2, 2, 2], upsample_scales=[5, 1, 5, 1, 3, 1, 2, 2, 1]
    )
    return WithNoise(generator, lambda frames: torch.randn(1, 128, frames // 80))


def old_scipy() -> None:
    """Give scipy the name under which parallel_wavegan imports a window."""
    import scipy.signal
    import scipy.signal.windows

    scipy.signal.kaiser = scipy.signal.windows.kaiser


def hifigan_v2() -> nn.Module:
    """HiFi-GAN V2, 22.05 kHz (Kong et al. 2020), of parallel_wavegan."""
    old_scipy()
    from parallel_wavegan.models import HiFiGANGenerator

    return HiFiGANGenerator(channels=128)


def speechbrain_hifigan() -> nn.Module:
    """HiFi-GAN of speechbrain, 22.05 kHz."""
    from speechbrain.lobes.models.HifiGAN import HifiganGenerator

    return HifiganGenerator(
        in_channels=80,
        out_channels=1,
        resblock_type="1",
        resblock_dilation_sizes=[[1, 3, 5]] * 3,
        resblock_kernel_sizes=[3, 7, 11],
        upsample_kernel_sizes=[16, 16, 4, 4],
        upsample_initial_channel=128,
        upsample_factors=[8, 8, 2, 2],
    )


def asteroid_conv_tasnet() -> nn.Module:
    """Conv-TasNet, 8 kHz (Luo & Mesgarani 2019)."""
    from asteroid.models import ConvTasNet

    return ConvTasNet(n_src=2)


def asteroid_dprnn() -> nn.Module:
    """Dual-path RNN TasNet, 8 kHz (Luo et al. 2020)."""
    from asteroid.models import DPRNNTasNet

    return DPRNNTasNet(n_src=2, hid_size=32, bn_chan=32, n_repeats=2)


def asteroid_sudormrf() -> nn.Module:
    """SuDoRM-RF, 8 kHz (Tzinis et al. 2020)."""
    from asteroid.models import SuDORMRFNet

    return SuDORMRFNet(n_src=2, num_blocks=4)


def asteroid_dcunet() -> nn.Module:
    """Deep complex U-Net, 16 kHz (Choi et al. 2019)."""
    from asteroid.models import DCUNet

    return DCUNet("DCUNet-10", fix_length_mode="pad")


def torchaudio_conv_tasnet() -> nn.Module:
    """Conv-TasNet of torchaudio, 8 kHz."""
    from torchaudio.models import ConvTasNet

    return ConvTasNet()


def oobleck() -> nn.Module:
    """Autoencoder of Stable Audio Open, 44.1 kHz stereo (Evans et al. 2024)."""
    from diffusers import AutoencoderOobleck

    return AutoencoderOobleck(encoder_hidden_size=16, decoder_input_channels=8, decoder_channels=16)


def open_unmix() -> nn.Module:
    """Open-Unmix, 44.1 kHz stereo (Stöter et al. 2019)."""
    from openunmix.model import OpenUnmix, Separator

    targets = {"vocals": OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=64, nb_layers=1)}
    return Separator(targets, niter=0)
