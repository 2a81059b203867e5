"""Wave-U-Net: size and arithmetic of the original, with any upsampling layer."""

import pytest
import torch
from torch.nn import functional as F
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.models.wave_unet import WaveUNet

LENGTHS = {"transposed": 4, "nearest": 9, "linear": None, "subpixel": 3}


def build(upsampler: str = "linear", length: int | None = None, **options: object) -> WaveUNet:
    layer = {"name": upsampler, "length": length}
    sizes = {"filters": 4, "depth": 3} | options
    return build_model("wave_unet", sizes, layer, n_sources=3, audio_channels=2, seed=0).eval()


def test_the_parameter_count_is_that_of_the_original() -> None:
    layer = {"name": "linear", "length": None}
    system = {"architecture": "wave_unet", "options": {}, "upsampler": layer}
    assert parameter_count(build_on_meta(system, n_sources=4, audio_channels=2)) == 10_263_498


def test_the_estimates_add_up_to_the_mixture() -> None:
    mixture = torch.randn(2, 2, 61)
    torch.testing.assert_close(build()(mixture).sum(dim=1), mixture)


def test_the_output_is_that_of_the_original_on_padded_signals() -> None:
    """The layers of the original, in order."""
    model, mixture = build().double(), torch.randn(2, 2, 64, dtype=torch.float64)

    def convolution(x: torch.Tensor, layer: torch.nn.Conv1d) -> torch.Tensor:
        half = layer.kernel_size[0] // 2
        return F.leaky_relu(F.conv1d(F.pad(x, (half, half)), layer.weight, layer.bias), 0.2)

    x, skips = mixture, []
    for layer, _ in model.encoder:
        assert layer.kernel_size == (15,)
        skips.append(convolution(x, layer))
        x = skips[-1][:, :, torch.arange(0, x.shape[-1], 2)]
    x = convolution(x, model.bottleneck[0])
    for layer, _ in model.decoder:
        assert layer.kernel_size == (5,)
        x = F.interpolate(x, scale_factor=2, mode="linear")
        x = convolution(torch.cat([x, skips.pop()], 1), layer)
    x = torch.cat([x, mixture], 1)
    expected = torch.einsum("oi,bit->bot", model.output.weight[..., 0], x)
    expected = (expected + model.output.bias[:, None]).reshape(2, 2, 2, 64)
    torch.testing.assert_close(model(mixture)[:, :2], expected)
    assert [layer.out_channels for layer, _ in model.encoder] == [4, 8, 12]
    assert model.bottleneck[0].out_channels == 16


@pytest.mark.parametrize("upsampler", LENGTHS)
def test_any_upsampler_fits_and_all_parameters_learn(upsampler: str) -> None:
    model = build(upsampler, LENGTHS[upsampler])
    y = model(torch.randn(2, 2, 37))
    assert y.shape == (2, 3, 2, 37)
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("name", ["nearest", "linear"])
def test_an_interpolation_alone_has_no_parameters_and_keeps_its_channels(name: str) -> None:
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)
    alone = layer(3, 3, 2, length=None)
    assert not list(alone.parameters())
    x = torch.randn(1, 3, 5)
    torch.testing.assert_close(alone(x), alone.interpolate(x))
    with pytest.raises(InputError, match="3 channels cannot become 4; set a filter length"):
        layer(3, 4, 2, length=None)
