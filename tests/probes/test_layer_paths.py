"""Periods of layers and unseen changes of rate, on networks whose paths are known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from openunmix.model import OpenUnmix, Separator
from torch import Tensor, nn
from torchaudio.models import HDemucs
from torchaudio.transforms import Resample
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.stacks import STACKS, build_stack
from upsampling_artifacts.probes.layer_paths import LayerPaths, measure_paths
from upsampling_artifacts.probes.layer_tracer import Layer, find_layers, tone_strides

from .. import toy_paths as toys


def paths(
    model: nn.Module, channels: int = 1, lengths: tuple[int, int] = (6144, 12288)
) -> LayerPaths:
    return measure_paths(model.eval(), *(torch.randn(1, channels, length) for length in lengths))


def ups(found: LayerPaths) -> list[tuple[str, int, int | None]]:
    """Kind, stride and period of the upsampling layers whose tones reach the output."""
    layers = [layer for layer in found.layers if layer.direction == "up" and layer.reaches_output]
    return [(layer.kind, layer.stride, layer.period) for layer in layers]


def downs(found: LayerPaths) -> list[tuple[str, int]]:
    return [(layer.kind, layer.stride) for layer in found.layers if layer.direction == "down"]


U_NET = [("transposed", 2, 8), ("transposed", 4, 4)]
CODEC = [("transposed", 7, 420), ("transposed", 5, 60), ("transposed", 4, 12), ("transposed", 3, 3)]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (toys.chunks_in_a_loop, U_NET),
        (toys.overlapping_chunks, U_NET),
        (toys.chunks_in_the_batch, U_NET),
        # In silence, there are lines at multiples of rate / 256: the ends of chunks overlap.
        (toys.overlapping_chunks_in_the_batch, [*U_NET, ("fold", 256, 256)]),
        (toys.dual_path, [("fold", 8, 32), ("transposed", 4, 4)]),
        (toys.quantizer, [("transposed", 8, 8)]),
        (toys.codec, CODEC),
        (toys.inner_rate_doubled, [("transposed", 4, 8), ("transposed", 4, 2)]),
        (toys.squeeze_of_frames, [("reshape", 8, 8)]),
        (toys.squeeze_by_product, [("reshape", 4, 4)]),
        (toys.zeros_by_padding, [("reshape", 3, 3)]),
        (toys.phases_by_indexing, [("indexing", 2, 2)]),
        (toys.nearest_by_index, [("indexing", 3, 3)]),
        (toys.every_second_sample, [("transposed", 2, 2)]),
        (toys.longer_inverse_transform, [("fourier", 4, 4)]),
        (toys.global_level, [("transposed", 4, 4)]),
        (toys.style, [("transposed", 4, 4)]),
        (toys.attention, []),
        (toys.joined_along_time, []),
        (toys.filters_from_a_network, []),
        (lambda: toys.strides_along_frequency(True), [("istft", 64, 64)]),
        (lambda: toys.strides_along_frequency(False), [("istft", 64, 64)]),
    ],
)  # fmt: skip
def test_the_periods_of_models_of_audio_are_those_of_their_paths(
    make: Callable[[], nn.Module], expected: list
) -> None:
    found = paths(make())
    assert ups(found) == expected
    assert found.unseen == []


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (toys.parallel_branches,
         [("transposed", 2, 8), ("transposed", 4, 4), ("transposed", 8, 8)]),
        (toys.shared_layer, [("transposed", 2, 8), ("transposed", 2, 4), ("transposed", 2, 2)]),
        (toys.oversampled_activations, [("transposed", 4, 12), ("transposed", 3, 3)]),
        (toys.folded_transform, [("fold", 16, 16)]),
        (toys.unknown_function, [("transposed", 2, 8), ("other", 4, 4)]),
        (toys.unused_branch, [("transposed", 4, 4)]),
    ],
)  # fmt: skip
def test_the_periods_of_models_of_features_are_those_of_their_paths(
    make: Callable[[], nn.Module], expected: list
) -> None:
    found = paths(make(), channels=4, lengths=(64, 128))
    assert ups(found) == expected
    assert found.unseen == []


def test_lengths_that_are_no_whole_frames_give_the_same_periods() -> None:
    found = paths(toys.codec(), lengths=(2**14, 2**15))  # 39.01 and 78.02 frames
    assert ups(found) == CODEC
    assert [layer.period for layer in found.layers if layer.direction == "down"] == [1, 3, 12, 60]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("hidden", [60, 120])
def test_a_hidden_size_that_is_a_multiple_of_the_time_is_no_layer(kind: type, hidden: int) -> None:
    assert paths(toys.recurrent(kind, hidden), lengths=(60, 120)).layers == []


def test_oversampled_activations_make_no_tone_where_they_return_to_their_rate() -> None:
    found = paths(toys.oversampled_activations(), channels=4, lengths=(64, 128))
    silent = [
        layer for layer in found.layers if layer.direction == "up" and not layer.reaches_output
    ]
    assert [(layer.name, layer.period) for layer in silent] == [("1", 3), ("3", 1)]
    assert tone_strides(found.layers) == [3, 12]


def test_a_layer_whose_output_is_not_used_does_not_reach_the_output() -> None:
    found = paths(toys.unused_branch(), channels=4, lengths=(64, 128))
    assert [(layer.name, layer.reaches_output) for layer in found.layers] == [
        ("side", False), ("main", True),
    ]  # fmt: skip


def test_unseen_upsampling_is_a_contradiction() -> None:
    found = paths(toys.unseen_upsampling())
    assert (ups(found), downs(found)) == ([], [("convolution", 4)])
    assert found.unseen == [("smooth", Fraction(4))]


def test_calls_of_one_layer_are_one_row() -> None:
    found = paths(toys.chunks_in_a_loop(), lengths=(6400, 12800))
    assert [(layer.name, layer.calls) for layer in found.layers] == [
        (f"net.{index}", 10) for index in range(4)
    ]


def test_functions_in_one_forward_are_layers_of_their_own() -> None:
    weights = [nn.Parameter(torch.randn(2, 2, 4)) for _ in range(3)]

    def forward(self: nn.Module, x: Tensor) -> Tensor:
        for weight in weights:
            x = nn.functional.conv_transpose1d(x, weight, stride=2, padding=1)
        return x

    found = paths(toys.Does(forward), channels=2, lengths=(64, 128))
    assert [(layer.name, layer.period) for layer in found.layers] == [
        ("transposed", 8), ("transposed (2)", 4), ("transposed (3)", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "mode"),
    [
        (lambda: nn.Upsample(scale_factor=3), "nearest"),
        (lambda: nn.Upsample(scale_factor=3, mode="linear"), "linear"),
        (lambda: toys.Does(lambda self, x: x.repeat_interleave(3, -1)), "nearest"),
        (lambda: toys.Does(lambda self, x: x[..., None].expand(1, 1, -1, 3).flatten(2)), "nearest"),
    ],
)  # fmt: skip
def test_interpolations_name_their_mode(make: Callable[[], nn.Module], mode: str) -> None:
    (layer,) = paths(make()).layers
    assert (layer.kind, layer.mode, layer.stride, layer.period) == ("interpolation", mode, 3, 3)


def test_a_resampler_inside_a_model_multiplies_in() -> None:
    """From 48 to 44.1 kHz and a layer of stride 2 before it: 147 samples per 80 input samples."""
    found = paths(nn.Sequential(toys.up(2, 1), Resample(48_000, 44_100)), lengths=(4800, 9600))
    strides = [(layer.kind, layer.direction, layer.stride) for layer in found.layers]
    assert strides == [
        ("transposed", "up", 2),
        ("convolution", "down", 160),
        ("reshape", "up", 147),
    ]
    assert [layer.period for layer in found.layers] == [None, None, 147]


MELGAN, WAVE_UNET = {"channels": 16}, {"filters": 4, "depth": 3}
UPSAMPLERS = [
    {"name": "transposed", "length": 8}, {"name": "nearest", "length": 9},
    {"name": "linear", "length": 9}, {"name": "subpixel", "length": 3},
    {"name": "zero_insertion", "length": 9}, {"name": "sinc", "length": 9},
    {"name": "learned_interpolation", "length": 9}, {"name": "wavelet", "length": 3},
    {"name": "wavelet", "wavelet": "lazy", "learnable": True, "length": 3},
    {"name": "transposed", "length": 8, "low_pass": "fixed"},
    {"name": "subpixel", "length": 3, "low_pass": "learnable"},
]  # fmt: skip


def assert_as_today(model: nn.Module, length: int, channels: int = 1) -> None:
    """The layers that a single run finds, and the products of their strides as periods."""
    x = torch.randn(1, channels, length)
    today, found = find_layers(model, x), measure_paths(model, x, x.repeat(1, 1, 2))
    assert [described(layer) for layer in found.layers] == [described(layer) for layer in today]
    assert tone_strides(found.layers, 64) == tone_strides(today)
    assert found.unseen == []


def described(layer: Layer) -> tuple:
    return layer.name, layer.kind, layer.stride, layer.direction


@pytest.mark.parametrize("upsampler", UPSAMPLERS, ids=str)
@pytest.mark.parametrize(("architecture", "options"), [("demucs", {"channels": 4, "depth": 3}),
                                                       ("melgan", MELGAN)])  # fmt: skip
def test_the_pipelines_networks_have_the_tones_of_today(
    architecture: str, options: dict, upsampler: dict
) -> None:
    shape = {"n_sources": 1, "audio_channels": 1}
    model = build_model(architecture, options, upsampler, **shape, seed=0).eval()
    assert_as_today(model, 8192)


def test_a_wave_u_net_decimates_by_indexing_and_has_the_tones_of_today() -> None:
    upsampler = {"name": "linear", "length": None}
    model = build_model("wave_unet", WAVE_UNET, upsampler, n_sources=2, audio_channels=1, seed=0)
    today, found = find_layers(model.eval(), torch.randn(1, 1, 4096)), paths(model)
    assert tone_strides(found.layers) == tone_strides(today) == [2, 4, 8]
    assert downs(found) == [("indexing", 2)] * 3


@pytest.mark.parametrize("stack", STACKS)
def test_the_papers_stacks_have_the_tones_of_today(stack: str) -> None:
    assert_as_today(build_stack(stack, seed=0), 256)
    assert tone_strides(paths(build_stack(stack, seed=0)).layers) == [2, 4, 8]


@pytest.mark.parametrize("architecture", ["open_unmix", "sams_net"])
def test_spectral_networks_have_the_tones_of_their_hop(architecture: str) -> None:
    options = {"n_fft": 512, "hop": 256} | (
        {"max_bin": None} if architecture == "open_unmix" else {}
    )
    model = build_model(architecture, options, None, n_sources=2, audio_channels=1, seed=0)
    found = paths(model, lengths=(8192, 16384))
    assert [described(layer)[1:] for layer in found.layers] == [
        ("stft", 256, "down"), ("istft", 256, "up"),
    ]  # fmt: skip
    assert tone_strides(found.layers) == [256]


def test_public_separators_have_periods() -> None:
    """The hybrid network's branches have tones of their own; both end at the output."""
    found = paths(HDemucs(sources=["drums", "rest"], channels=4), 2, (44_100, 88_200))
    assert tone_strides(found.layers) == [4, 16, 64, 256, 1024, 2048]
    networks = {name: OpenUnmix(nb_bins=2049, hidden_size=8) for name in ("drums", "rest")}
    found = paths(Separator(networks), 2, (22_050, 44_100))
    assert [(layer.kind, layer.period) for layer in found.layers] == [("stft", 1), ("istft", 1024)]


@pytest.mark.parametrize("make", [toys.squeeze_of_frames, toys.phases_by_indexing, toys.quantizer])
def test_layers_are_reported_by_their_place(make: Callable[[], nn.Module]) -> None:
    """Also those without a stride, which a single run cannot find."""
    model, x = make(), torch.randn(1, 1, 1200)
    found = paths(model)
    with torch.no_grad():
        expected, seen = model(x), []
        with found.trace(model, lambda layer, x, y: seen.append((layer.name, tuple(y.shape)))):
            traced = model(x)
    assert torch.equal(traced, expected)
    assert {name for name, _ in seen} == {layer.name for layer in found.layers}
    last = [shape for name, shape in seen if name == found.layers[-1].name][-1]
    assert last[-1] == 1200
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_equally_long_inputs_are_refused() -> None:
    with pytest.raises(InputError, match="as long as"):
        paths(toys.quantizer(), lengths=(64, 64))


def test_the_inverse_transform_and_long_periods_count_where_periods_are_known() -> None:
    layers = [
        Layer("a", "transposed", 8, "up", period=4096),
        Layer("b", "transposed", 4, "up", period=2048),
        Layer("c", "istft", 4, "up", period=4),
        Layer("d", "transposed", 2, "up", period=1),
        Layer("e", "transposed", 2, "up", period=6, reaches_output=False),
        Layer("f", "convolution", 4, "down", period=7),
        Layer("g", "transposed", 4, "up", period=4),
    ]
    assert tone_strides(layers) == [4, 2048]
    assert tone_strides(layers, max_product=64) == [4]
