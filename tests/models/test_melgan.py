"""The MelGAN generator: size and arithmetic of the original, with any upsampling layer."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.models.melgan import MIN_FRAMES, MelGAN

RATE_HZ, HOP = 22_050, 256
LENGTHS = {"transposed": None, "nearest": 9, "linear": 9, "subpixel": 3, "wavelet": 3}

every_upsampler = pytest.mark.parametrize("upsampler", registry.UPSAMPLERS)


def build(upsampler: str = "transposed", **options: object) -> MelGAN:
    layer = {"name": upsampler, "length": LENGTHS.get(upsampler, 9)}
    options = {"channels": 16} | options
    return build_model("melgan", options, layer, n_sources=1, audio_channels=1, seed=0).eval()


def weight_norms(model: nn.Module) -> int:
    return sum(name.endswith("parametrizations.weight") for name, _ in model.named_modules())


def test_the_parameter_count_is_that_of_the_original() -> None:
    system = {"architecture": "melgan", "options": {}, "upsampler": {"name": "transposed"}}
    assert parameter_count(build_on_meta(system, n_sources=1, audio_channels=1)) == 4_266_050


@every_upsampler
@pytest.mark.parametrize("time", [1, 255, 256, 257, 1280, 3000])
def test_the_output_is_as_long_as_the_input(upsampler: str, time: int) -> None:
    y = build(upsampler)(torch.randn(2, 1, time))
    assert y.shape == (2, 1, 1, time)
    assert y.isfinite().all()
    assert y.abs().max() <= 1


@every_upsampler
@pytest.mark.parametrize("strides", [(8, 8, 2, 2), (2, 5), (4, 4, 4)])
def test_the_generator_returns_one_hop_per_frame(upsampler: str, strides: tuple) -> None:
    if upsampler == "wavelet" and 5 in strides:
        pytest.skip("wavelets need powers of two")
    model = build(upsampler, strides=strides, n_mels=4)
    for frames in (MIN_FRAMES, MIN_FRAMES + 3):
        y = model.generator(torch.randn(2, 4, frames))
        assert y.shape == (2, 1, frames * math.prod(strides))


@every_upsampler
def test_every_convolution_is_weight_normalized_and_learns(upsampler: str) -> None:
    model = build(upsampler)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.ConvTranspose1d)]
    assert len(convolutions) == weight_norms(model) == 1 + 4 * (1 + 3 * 3) + 1
    model(torch.randn(1, 1, 2000)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def reference(model: MelGAN, mel: Tensor) -> Tensor:
    """The layers of the original, in the order of its code."""
    weights = {
        name: (module.weight, module.bias)
        for name, module in model.generator.named_modules()
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d)
    }
    queue = iter(weights.values())

    def convolution(x: Tensor, reflect: int = 0, dilation: int = 1) -> Tensor:
        x = F.pad(x, (reflect, reflect), mode="reflect") if reflect else x
        return F.conv1d(x, *next(queue), dilation=dilation)

    x = convolution(mel, reflect=3)
    for stride in (8, 8, 2, 2):
        x = F.leaky_relu(x, 0.2)
        x = F.conv_transpose1d(x, *next(queue), stride=stride, padding=stride // 2)
        for dilation in (1, 3, 9):
            y = convolution(F.leaky_relu(x, 0.2), reflect=dilation, dilation=dilation)
            x = convolution(F.leaky_relu(y, 0.2)) + convolution(x)
    return convolution(F.leaky_relu(x, 0.2), reflect=3).tanh()


def test_with_transposed_convolutions_the_output_is_that_of_the_original() -> None:
    model, mel = build().double(), torch.randn(2, 80, 7, dtype=torch.float64)
    torch.testing.assert_close(model.generator(mel), reference(model, mel), rtol=0, atol=1e-12)


def test_the_weights_have_torchs_default_initialization() -> None:
    """Uniform within one over the square root of the number of inputs per output."""
    weight = build(channels=128).generator[0].weight
    bound = 1 / math.sqrt(80 * 7)
    assert 0.98 * bound < weight.abs().max() <= bound * (1 + 1e-5)
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("frequency_hz", "band"), [(500.0, 12.28), (1000.0, 25.56), (6000, 65)])
def test_a_tone_peaks_in_its_mel_band(frequency_hz: float, band: float) -> None:
    """Slaney's scale: 200/3 Hz per mel up to 1 kHz (15 mel), then a factor 6.4 per 27 mel."""

    def mel(hz: float) -> float:
        return hz * 3 / 200 if hz <= 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)

    expected = mel(frequency_hz) / mel(RATE_HZ / 2) * 81 - 1
    t = torch.arange(40 * HOP) / RATE_HZ
    spectrum = build().log_mel(torch.sin(2 * math.pi * frequency_hz * t)[None, None])[0]
    assert abs(spectrum[:, 20].argmax() - expected) < 1


def test_the_mel_spectrogram_is_that_of_the_original() -> None:
    """Magnitudes of 1024 samples centered on their hop of 256, in log10; silence is -5."""
    model = build()
    assert torch.equal(model.log_mel(torch.zeros(1, 1, 4 * HOP)), torch.full((1, 80, 4), -5.0))
    x = torch.randn(1, 1, 3000)
    assert model.log_mel(x).shape == (1, 80, 3000 // HOP)
    torch.testing.assert_close(model.log_mel(10 * x), model.log_mel(x) + 1, rtol=0, atol=1e-4)
    click = torch.zeros(1, 1, 21 * HOP)
    click[..., 10 * HOP + HOP // 2] = 1
    loudness = model.log_mel(click)[0].sum(dim=0)
    assert loudness.argmax() == 10
    assert torch.allclose(loudness[9], loudness[11], rtol=1e-3)
    assert loudness[7] == loudness[13] == 80 * -5.0


def test_the_mel_spectrogram_pads_by_reflection() -> None:
    model, x = build(), torch.randn(1, 1, 8 * HOP)
    mirrored = torch.cat([x[..., 1 : 3 * HOP + 1].flip(-1), x], dim=-1)
    torch.testing.assert_close(model.log_mel(x)[..., 0], model.log_mel(mirrored)[..., 3])


@pytest.mark.parametrize("time", [1, 700, 2000])
def test_incomplete_frames_are_zero_padded_at_the_end(time: int) -> None:
    model, x = build(), torch.randn(1, 1, time)
    padded = F.pad(x, (0, 8 * HOP - time) if time > 5 * HOP else (0, 5 * HOP - time))
    torch.testing.assert_close(model(x), model(padded)[..., :time])


def test_the_output_is_aligned_with_the_mel_spectrogram() -> None:
    """A change of one frame changes the samples around that frame."""
    torch.manual_seed(0)
    model, mel = build(), torch.randn(1, 80, 41)
    changed = mel.clone()
    changed[..., 20] += 1
    change = (model.generator(changed) - model.generator(mel))[0, 0].square()
    center = (change * torch.arange(41 * HOP)).sum() / change.sum()
    assert abs(center - 20.5 * HOP) < HOP / 2


@pytest.mark.parametrize("shape", [(4, 1), (1, 2)])
def test_several_sources_or_channels_are_an_input_error(shape: tuple[int, int]) -> None:
    n_sources, audio_channels = shape
    layer = {"name": "transposed"}
    with pytest.raises(
        InputError, match=r"^melgan: cannot generate .*; use one source and one channel$"
    ):
        build_model("melgan", {}, layer, n_sources=n_sources, audio_channels=audio_channels)


def test_a_rate_without_room_for_the_mel_bands_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"^melgan: rate_hz: 1 Hz has no room for 80 mel bands"):
        build_model("melgan", {"rate_hz": 1}, {"name": "transposed"}, n_sources=1, audio_channels=1)
