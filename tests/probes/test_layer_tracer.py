"""The tracer finds the rate-changing layers of networks whose layers are known."""

from collections.abc import Callable

import pytest
import torch
from openunmix.model import OpenUnmix, Separator
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.models import HDemucs
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes.layer_tracer import Layer, find_layers, tone_strides, trace_layers

LENGTHS = {"transposed": 8, "nearest": 9, "linear": 9, "subpixel": 3}
UP = {
    "transposed": (".convolution", "transposed"),
    "nearest": ("", "interpolation"),
    "linear": ("", "interpolation"),
    "subpixel": ("", "reshape"),
}

every_upsampler = pytest.mark.parametrize("upsampler", LENGTHS)


def build(architecture: str, upsampler: str, n_sources: int = 1, **options: object) -> nn.Module:
    layer = {"name": upsampler, "length": LENGTHS[upsampler]}
    shape = {"n_sources": n_sources, "audio_channels": 1}
    return build_model(architecture, options, layer, **shape, seed=0).eval()


class Function(nn.Module):
    """A network whose ``forward`` is the given function."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Shuffle(Function):
    """``(batch, channels * 3, time)`` to ``(batch, channels, time * 3)``."""

    def __init__(self):
        super().__init__(lambda x: x.unflatten(1, (-1, 3)).mT.flatten(2))


class FeaturesLast(nn.Module):
    """Processes ``(batch, time, channels)`` inside and keeps the rate."""

    def __init__(self):
        super().__init__()
        self.wider = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 12), nn.ReLU())
        self.lstm = nn.LSTM(12, 12, batch_first=True, bidirectional=True)
        self.product = Function(lambda x: x @ torch.ones(24, 48))

    def forward(self, x: Tensor) -> Tensor:
        return self.product(self.lstm(self.wider(x.mT))[0]).mT


@every_upsampler
def test_all_strided_layers_of_a_demucs_are_found_in_order(upsampler: str) -> None:
    model = build("demucs", upsampler, n_sources=4, channels=4, depth=3)
    layers = find_layers(model, torch.randn(2, 1, 999))
    name, kind = UP[upsampler]
    assert layers == [
        *(Layer(f"encoder.{i}.0", "convolution", 4, "down") for i in range(3)),
        *(Layer(f"decoder.{i}.2{name}", kind, 4, "up") for i in range(3)),
    ]
    assert tone_strides(layers) == [4, 16, 64]


@every_upsampler
def test_all_strided_layers_of_a_melgan_are_found_despite_weight_norm(upsampler: str) -> None:
    layers = find_layers(build("melgan", upsampler, channels=16), torch.randn(2, 1, 2000))
    name, kind = UP[upsampler]
    assert layers == [
        Layer("mel_spectrogram.spectrogram", "stft", 256, "down"),
        *(
            Layer(f"generator.{2 + 5 * i}{name}", kind, stride, "up")
            for i, stride in enumerate((8, 8, 2, 2))
        ),
    ]
    assert tone_strides(layers) == [2, 4, 32]


def test_names_are_relative_to_the_traced_module() -> None:
    generator = build("melgan", "nearest", channels=16).generator
    layers = find_layers(generator, torch.randn(1, 80, 5))
    assert [layer.name for layer in layers] == ["2", "7", "12", "17"]


@pytest.mark.parametrize(
    ("function", "channels", "expected"),
    [
        (lambda x: F.interpolate(x, scale_factor=3), 2, ("interpolation", 3, "up")),
        (lambda x: F.interpolate(x, size=120, mode="linear"), 2, ("interpolation", 2, "up")),
        (lambda x: F.interpolate(x, scale_factor=0.5), 2, ("interpolation", 2, "down")),
        (lambda x: x.repeat_interleave(5, dim=-1), 2, ("interpolation", 5, "up")),
        (lambda x: torch.repeat_interleave(x, 2, -1), 2, ("interpolation", 2, "up")),
        (lambda x: F.conv1d(x, torch.ones(1, 2, 4), stride=2), 2, ("convolution", 2, "down")),
        (lambda x: F.conv1d(x, torch.ones(1, 2, 4), None, 3), 2, ("convolution", 3, "down")),
        (lambda x: F.conv_transpose1d(x, torch.ones(2, 1, 4), stride=(2,)), 2,
         ("transposed", 2, "up")),
        (lambda x: F.avg_pool1d(x, 4), 2, ("pooling", 4, "down")),
        (lambda x: F.max_pool1d(x, kernel_size=4, stride=3), 2, ("pooling", 3, "down")),
        (lambda x: x.unflatten(1, (-1, 2)).mT.flatten(2), 4, ("reshape", 2, "up")),
        (lambda x: torch.stft(x[:, 0], 16, 8, return_complex=True), 1,
         ("stft", 8, "down")),
        (lambda x: x[:, 0].stft(16, return_complex=True), 1,
         ("stft", 4, "down")),
        (lambda x: torch.istft(x.to(torch.complex64), 16, window=torch.ones(16)), 9,
         ("istft", 4, "up")),
        (lambda x: F.fold(x, (1, 4 * 59 + 8), (1, 8), stride=(1, 4)), 16, ("fold", 4, "up")),
        (lambda x: F.unfold(x[:, :, None], (1, 8), stride=(1, 4)), 2, ("unfold", 4, "down")),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:A window was not provided")
def test_functions_called_in_forward_are_found(function, channels: int, expected: tuple) -> None:
    """Named after their kind in the top module, after their module elsewhere."""
    x = torch.randn(2, channels, 60)
    assert find_layers(Function(function), x) == [Layer(expected[0], *expected)]
    inside = nn.Sequential(nn.Identity(), Function(function))
    assert find_layers(inside, x) == [Layer("1", *expected)]


@pytest.mark.parametrize(
    ("module", "channels"),
    [
        (nn.Conv1d(2, 3, 9, padding=4), 2),
        (nn.Conv1d(2, 3, 9), 2),
        (nn.ConvTranspose1d(2, 3, 9), 2),
        (nn.ConstantPad1d((3, 4), 0.0), 2),
        (nn.Linear(60, 120), 2),
        (nn.Sequential(nn.Linear(60, 120), nn.ReLU()), 2),
        (FeaturesLast(), 6),
        (nn.LSTM(60, 60, bidirectional=True), 2),
        (Function(lambda x: F.interpolate(x, size=90)), 2),  # not an integer factor
        (Function(lambda x: F.interpolate(x, scale_factor=1)), 2),
        (Function(lambda x: x.unflatten(0, (1, 2)).movedim(1, 2).flatten(2)), 3),  # chunks joined
        (Function(lambda x: x.repeat_interleave(2, dim=1)), 2),
    ],
)
def test_a_layer_that_keeps_the_rate_is_not_found(module: nn.Module, channels: int) -> None:
    assert find_layers(module, torch.randn(2, channels, 60)) == []


def test_torch_modules_are_found() -> None:
    model = nn.Sequential(
        nn.Upsample(scale_factor=2), nn.AvgPool1d(4, 2), nn.ConvTranspose1d(2, 6, 4, stride=2),
        Shuffle(), nn.MaxPool1d(4),
    )  # fmt: skip
    layers = find_layers(model, torch.randn(1, 2, 60))
    assert [(x.name, x.kind, x.stride, x.direction) for x in layers] == [
        ("0", "interpolation", 2, "up"),
        ("1", "pooling", 2, "down"),
        ("2", "transposed", 2, "up"),
        ("3", "reshape", 3, "up"),
        ("4", "pooling", 4, "down"),
    ]


def test_in_two_dimensions_only_the_last_axis_is_time() -> None:
    """``(batch, channels, frequency, time)``."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, (8, 1), stride=(4, 1)),
        nn.Conv2d(4, 16, 3, stride=(1, 2), padding=1),
        nn.PixelShuffle(2),
        nn.ConvTranspose2d(4, 2, (4, 2), stride=(2, 1)),
        nn.ConvTranspose2d(2, 2, 4, stride=4),
    )
    layers = find_layers(model, torch.randn(1, 1, 40, 60))
    assert [(x.name, x.kind, x.stride) for x in layers] == [
        ("1", "convolution", 2), ("2", "subpixel", 2), ("4", "transposed", 4),
    ]  # fmt: skip
    shapes = []
    with trace_layers(model, lambda layer, x, y: shapes.append((x.shape, y.shape))):
        model(torch.randn(1, 1, 40, 60))
    assert shapes[0] == ((1, 4 * 9, 60), (1, 16 * 9, 30))


def test_a_keyword_input_is_found_and_a_list_of_lengths_is_not_a_signal() -> None:
    class Named(nn.Module):
        def forward(self, *, mask: int, signal: Tensor) -> Tensor:
            torch.tensor([3, 4]).repeat_interleave(2)
            return signal.unflatten(1, (-1, 3)).mT.flatten(2)

    reshape, names = Named(), []
    with trace_layers(reshape, lambda layer, x, y: names.append(layer.name)):
        reshape(mask=1, signal=torch.randn(1, 6, 20))
    assert names == ["reshape"]


def test_inputs_and_outputs_are_reported_as_batch_channels_time() -> None:
    model = nn.Sequential(
        nn.Conv1d(1, 6, 2, stride=2),
        Shuffle(),
        Function(lambda x: F.interpolate(x, scale_factor=2)),
    )
    x, seen = torch.randn(5, 1, 40), []
    with trace_layers(model, lambda layer, x, y: seen.append((layer.name, x, y))):
        y = model(x)
    assert [(name, tuple(x.shape), tuple(y.shape)) for name, x, y in seen] == [
        ("0", (5, 1, 40), (5, 6, 20)),
        ("1", (5, 6, 20), (5, 2, 60)),
        ("2", (5, 2, 60), (5, 2, 120)),
    ]
    assert torch.equal(seen[0][1], x)
    assert torch.equal(seen[1][1], seen[0][2])
    assert torch.equal(seen[2][2], y)
    without_batch = []
    with trace_layers(model[0], lambda layer, *signals: without_batch.extend(signals)):
        model[0](x[0])
    assert [tuple(signal.shape) for signal in without_batch] == [(1, 1, 40), (1, 6, 20)]


@pytest.mark.parametrize("shape", [(64,), (3, 64)])
@pytest.mark.filterwarnings("ignore:stft with return_complex=False")
def test_spectra_are_reported_as_complex_and_waveforms_as_one_channel(shape: tuple) -> None:
    def stft_istft(x: Tensor) -> Tensor:
        torch.stft(x, 16, 8, window=torch.ones(16), return_complex=False)
        return torch.istft(torch.stft(x, 16, 8, window=torch.ones(16), return_complex=True), 16, 8,
                           window=torch.ones(16))  # fmt: skip

    seen, batch = [], shape[0] if len(shape) > 1 else 1
    model = Function(stft_istft)
    with trace_layers(model, lambda layer, x, y: seen.append((layer.name, x, y))):
        model(torch.randn(*shape))
    assert [name for name, *_ in seen] == ["stft", "stft (2)", "istft"]
    wave, spectrum = (batch, 1, 64), (batch, 9, 9)
    assert [(x.shape, y.shape) for _, x, y in seen] == [
        (wave, spectrum), (wave, spectrum), (spectrum, wave),
    ]  # fmt: skip
    torch.testing.assert_close(seen[0][2], seen[1][2])


def test_a_layer_that_runs_twice_per_call_has_two_names_in_every_call() -> None:
    up = nn.ConvTranspose1d(2, 2, 4, stride=2)
    model, names = nn.Sequential(up, up, nn.AvgPool1d(2)), []
    with trace_layers(model, lambda layer, x, y: names.append(layer.name)):
        for _ in range(2):
            model(torch.randn(1, 2, 30))
    assert names == ["0", "0 (2)", "2"] * 2


def test_the_callback_may_call_torch_and_all_hooks_are_removed() -> None:
    model, names = nn.Sequential(Shuffle(), nn.Upsample(scale_factor=2)), []

    def measure(layer: Layer, x: Tensor, y: Tensor) -> None:
        names.append(layer.name)
        F.avg_pool1d(F.interpolate(y, scale_factor=2), 2)

    x = torch.randn(1, 3, 20)
    with trace_layers(model, measure):
        traced = model(x)
    assert names == ["0", "1"]
    assert torch.equal(model(x), traced)
    with pytest.raises(RuntimeError, match="mat1"), trace_layers(nn.Linear(3, 3), measure):
        nn.Linear(4, 3)(x)
    model(x)
    assert names == ["0", "1"]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_network_on_the_meta_device_can_be_traced() -> None:
    with torch.device("meta"):
        model = build("demucs", "subpixel", n_sources=4, channels=100, depth=6)
        layers = find_layers(model, torch.zeros(1, 1, 44100))
    assert [layer.stride for layer in layers] == [4] * 12


def test_a_hybrid_network_has_layers_in_time_and_a_fourier_transform() -> None:
    """Torchaudio's HDemucs; its layers that stride along frequency only are not found."""
    model = HDemucs(sources=["drums", "rest"], channels=4).eval()
    layers = find_layers(model, torch.randn(1, 2, 44100))
    assert layers == [
        Layer("stft", "stft", 1024, "down"),
        *(Layer(f"time_encoder.{i}.conv", "convolution", 4, "down") for i in range(5)),
        Layer("freq_encoder.5.conv", "convolution", 2, "down"),
        Layer("freq_decoder.0.conv_tr", "transposed", 2, "up"),
        *(Layer(f"time_decoder.{i}.conv_tr", "transposed", 4, "up") for i in range(5)),
        Layer("istft", "istft", 1024, "up"),
    ]
    assert tone_strides(layers) == [4, 16, 64]


def test_a_spectral_network_has_only_its_transform_and_no_predicted_tones() -> None:
    networks = {name: OpenUnmix(nb_bins=2049, hidden_size=8) for name in ("drums", "rest")}
    layers = find_layers(Separator(networks).eval(), torch.randn(1, 2, 22050))
    assert layers == [Layer("stft", "stft", 1024, "down"), Layer("istft", "istft", 1024, "up")]
    assert tone_strides(layers) == []


def test_tone_strides_are_products_from_the_last_layer_up_to_the_largest() -> None:
    layers = [Layer("", "transposed", stride, "up") for stride in (2, 5, 3, 4)]
    down = Layer("", "convolution", 7, "down")
    assert tone_strides([down, *layers]) == [4, 12, 60]
    assert tone_strides(layers, max_product=12) == [4, 12]
    assert tone_strides(layers, max_product=1000) == [4, 12, 60, 120]
    assert tone_strides([down]) == []


@pytest.mark.parametrize(
    ("upsampler", "strides"),
    [
        ({"name": "zero_insertion", "length": 9}, [4, 16]),
        ({"name": "sinc", "length": 9}, [4, 16]),
        ({"name": "learned_interpolation", "length": 9}, [4, 16]),
        # Each octave is a layer.
        ({"name": "wavelet", "length": 3}, [2, 4, 8, 16]),
        ({"name": "wavelet", "wavelet": "lazy", "learnable": True, "length": 3}, [2, 4, 8, 16]),
    ],
)
def test_upsamplers_beyond_the_paper_are_found(upsampler, strides) -> None:
    shape = {"n_sources": 4, "audio_channels": 2}
    model = build_model("demucs", {"channels": 4, "depth": 2}, upsampler, **shape, seed=0)
    assert tone_strides(find_layers(model.eval(), torch.randn(1, 2, 256))) == strides
