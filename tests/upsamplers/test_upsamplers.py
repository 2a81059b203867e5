"""Every upsampling layer: the contract of the base class, and known outputs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.flops import parameter_count
from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler
from upsampling_artifacts.upsamplers.linear import LinearConvolution
from upsampling_artifacts.upsamplers.nearest import NearestConvolution
from upsampling_artifacts.upsamplers.subpixel import SubpixelConvolution, periodic_shuffle
from upsampling_artifacts.upsamplers.transposed import TransposedConvolution

STRIDES = (2, 3, 4, 5, 7)
BATCH, IN_CHANNELS, OUT_CHANNELS = 2, 3, 4

POWERS_OF_TWO = {"wavelet"}

every_upsampler = pytest.mark.parametrize("name", registry.UPSAMPLERS)
every_stride = pytest.mark.parametrize("stride", STRIDES)
every_upsampler_and_stride = pytest.mark.parametrize(
    ("name", "stride"),
    [
        (name, stride)
        for name in registry.UPSAMPLERS
        for stride in ((2, 4, 8) if name in POWERS_OF_TWO else STRIDES)
    ],
)


def make(name: str, stride: int, length: int | None = None, **options: object) -> Upsampler:
    torch.manual_seed(0)
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)
    channels = options.pop("channels", (IN_CHANNELS, OUT_CHANNELS))
    return layer(*channels, stride, length=length or 2 * stride, **options)


def ones(layer: Upsampler) -> Upsampler:
    """The layer with filters of ones and no bias."""
    nn.init.ones_(layer.convolution.weight)
    if layer.convolution.bias is not None:
        nn.init.zeros_(layer.convolution.bias)
    return layer


def delta(layer: Upsampler) -> Upsampler:
    """The layer with filters that pass their input unchanged."""
    nn.init.zeros_(layer.convolution.weight)
    nn.init.zeros_(layer.convolution.bias)
    layer.convolution.weight.data[..., (layer.convolution.kernel_size[0] - 1) // 2] = 1
    return layer


def row(*values: float) -> Tensor:
    """One channel of one signal."""
    return torch.tensor([[values]], dtype=torch.float32)


@every_upsampler_and_stride
@pytest.mark.parametrize("time", [1, 2, 17])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_output_is_exactly_stride_times_as_long(name, stride, time, dtype) -> None:
    y = make(name, stride).to(dtype)(torch.randn(BATCH, IN_CHANNELS, time, dtype=dtype))
    assert y.shape == (BATCH, OUT_CHANNELS, time * stride)
    assert y.dtype == dtype


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(registry.UPSAMPLERS)), st.integers(2, 7), st.integers(0, 9),
    st.integers(1, 40),
)  # fmt: skip
def test_with_a_filter_of_any_length_the_output_is_stride_times_as_long(
    name: str, stride: int, extra: int, time: int
) -> None:
    stride = 4 if name in POWERS_OF_TWO else stride
    y = make(name, stride, stride + extra)(torch.randn(1, IN_CHANNELS, time))
    assert y.shape == (1, OUT_CHANNELS, time * stride)


@every_upsampler_and_stride
@pytest.mark.parametrize("time", [2, 17])
def test_gradients_reach_the_input_and_every_parameter(name, stride, time) -> None:
    layer = make(name, stride)
    x = torch.randn(BATCH, IN_CHANNELS, time, requires_grad=True)
    layer(x).square().sum().backward()
    for tensor in [x, *layer.parameters()]:
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


@every_upsampler_and_stride
def test_without_bias_silence_stays_exactly_silent(name: str, stride: int) -> None:
    layer = make(name, stride, bias=False)
    assert not [key for key, _ in layer.named_parameters() if "bias" in key]
    assert not layer(torch.zeros(1, IN_CHANNELS, 9)).any()
    with_bias = make(name, stride)
    assert [key for key, _ in with_bias.named_parameters() if "bias" in key]
    assert with_bias(torch.zeros(1, IN_CHANNELS, 9)).any()


@every_upsampler
@pytest.mark.parametrize("stride", [1, 0, -2, 2.0, "2", None])
def test_a_bad_stride_is_an_input_error(name: str, stride: object) -> None:
    message = r"^stride: .* is not an upsampling factor; use 2, 3, \.\.\.$"
    with pytest.raises(InputError, match=message):
        make(name, stride, length=8)


@every_upsampler
@pytest.mark.parametrize("length", [0, -1])
def test_a_length_below_1_is_an_input_error(name: str, length: int) -> None:
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)
    with pytest.raises(InputError, match=rf"^length: {length} .* use .*$"):
        layer(IN_CHANNELS, OUT_CHANNELS, 2, length=length)


@pytest.mark.parametrize("name", ["transposed", "zero_insertion"])
def test_a_filter_shorter_than_the_stride_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match=r"^length: 3 is shorter than stride 4.* use 4 or more$"):
        make(name, 4, length=3)


@pytest.mark.parametrize(
    "name",
    ["transposed", "nearest", "linear", "subpixel", "zero_insertion", "learned_interpolation",
     "sinc"],
)  # fmt: skip
@every_stride
@pytest.mark.parametrize("odd", [0, 1])
def test_the_response_to_a_sample_is_centered_on_its_output_samples(name, stride, odd) -> None:
    """Within half a sample, which even filters cannot avoid."""
    length = 3 if name == "subpixel" else 2 * stride + odd
    layer = ones(make(name, stride, length, channels=(1, 1)))
    for n in (20, 21):
        x = torch.zeros(1, 1, 42)
        x[..., n] = 1
        y = layer(x)[0, 0].detach()
        center = (y * torch.arange(len(y))).sum() / y.sum()
        offset = center - (n * stride + (stride - 1) / 2)
        has_center = name == "subpixel" or (
            (length - stride) % 2 == 0
            # An even stride puts the sample on the later one of its two middle samples, and an even
            # filter takes the earlier one of its own: both even, or both odd, is centered.
            if name in ("transposed", "zero_insertion", "learned_interpolation")
            else length % 2
        )
        assert abs(offset) < (1e-3 if has_center else 0.501)


def test_transposed_filters_of_ones_count_the_overlapping_copies() -> None:
    x = torch.ones(1, 1, 4)
    no, partial, full = (ones(make("transposed", s, k, channels=(1, 1)))
                         for s, k in ((3, 3), (2, 3), (4, 8)))  # fmt: skip
    assert (no.overlap, partial.overlap, full.overlap) == ("no", "partial", "full")
    assert no(x).flatten().tolist() == [1] * 12
    assert partial(x).flatten().tolist() == [1, 1, 2, 1, 2, 1, 2, 1]
    assert full(x).flatten().tolist() == [1, 1, *[2] * 12, 1, 1]


@pytest.mark.parametrize(
    ("stride", "length", "overlap"),
    [(4, 4, "no"), (4, 6, "partial"), (4, 5, "partial"), (4, 8, "full"), (4, 12, "full")],
)
def test_overlap_is_no_partial_or_full_as_in_the_paper(stride, length, overlap) -> None:
    layer = TransposedConvolution(1, 1, stride, length=length)
    assert layer.overlap == overlap


@every_stride
@pytest.mark.parametrize("length", [1, 3, 4, 9, 10])
def test_nearest_with_an_identity_filter_repeats_every_sample(stride: int, length: int) -> None:
    layer = delta(NearestConvolution(1, 1, stride, length=length))
    x = torch.randn(2, 1, 13)
    torch.testing.assert_close(layer(x), x.repeat_interleave(stride, dim=-1), rtol=0, atol=0)


def test_linear_with_an_identity_filter_joins_samples_by_lines_and_holds_the_ends() -> None:
    by_two = delta(LinearConvolution(1, 1, 2, length=9))
    torch.testing.assert_close(by_two(row(0, 4)), row(0, 1, 3, 4))
    by_four = delta(LinearConvolution(1, 1, 4, length=3))
    torch.testing.assert_close(by_four(row(0, 8)), row(0, 0, 1, 3, 5, 7, 8, 8))
    by_three = delta(LinearConvolution(1, 1, 3, length=1))
    torch.testing.assert_close(by_three(row(3, 6, 0)), row(3, 3, 4, 5, 6, 4, 2, 0, 0))
    torch.testing.assert_close(by_three(row(5)), row(5, 5, 5))


def test_a_periodic_shuffle_interleaves_channels() -> None:
    x = torch.tensor([[[1, 2, 3], [10, 20, 30], [4, 5, 6], [40, 50, 60]]])
    expected = torch.tensor([[[1, 10, 2, 20, 3, 30], [4, 40, 5, 50, 6, 60]]])
    assert torch.equal(periodic_shuffle(x, 2), expected)


@every_stride
def test_a_periodic_shuffle_equals_pixel_shuffle_and_the_papers_notebook(stride: int) -> None:
    channels, time = 3, 5
    x = torch.randn(2, channels * stride, time)
    y = periodic_shuffle(x, stride)
    # Pixel shuffle is two-dimensional: of a picture with equal rows, each row is the signal.
    picture = x.reshape(2, channels, 1, stride, time).expand(-1, -1, stride, -1, -1)
    shuffled = nn.PixelShuffle(stride)(picture.reshape(2, channels * stride**2, 1, time))
    assert torch.equal(y, shuffled[:, :, 0])
    assert torch.equal(shuffled[:, :, 0], shuffled[:, :, -1])
    notebook = x.view(2, channels, stride, time).permute(0, 1, 3, 2).reshape(2, channels, -1)
    assert torch.equal(y, notebook)


def test_each_phase_of_a_subpixel_convolution_has_its_own_filter_and_bias() -> None:
    layer = SubpixelConvolution(1, 1, 3, length=1)
    with torch.no_grad():
        layer.convolution.weight.copy_(torch.tensor([1.0, 10.0, 100.0]).reshape(3, 1, 1))
        layer.convolution.bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
    expected = row(1.1, 10.2, 100.3, 2.1, 20.2, 200.3)
    torch.testing.assert_close(layer(row(1, 2)), expected)


@every_stride
def test_the_default_length_of_a_transposed_filter_is_twice_the_stride(stride: int) -> None:
    layer = TransposedConvolution(1, 1, stride)
    assert layer.convolution.kernel_size == (2 * stride,)
    assert layer.overlap == "full"


def test_constant_transposed_filters_reproduce_the_papers_ones() -> None:
    """Figures 3 and 4: the number of overlapping copies, times the mean of the channels."""
    partial, full = (
        TransposedConvolution(1, 1, s, length=k, bias=False, initialization="constant")
        for s, k in ((2, 3), (4, 8))
    )
    assert torch.equal(partial.convolution.weight, torch.ones(1, 1, 3))
    assert partial(torch.ones(1, 1, 4)).flatten().tolist() == [1, 1, 2, 1, 2, 1, 2, 1]
    assert full(torch.ones(1, 1, 4)).flatten().tolist() == [1, 1, *[2] * 12, 1, 1]
    wide = TransposedConvolution(4, 3, 2, length=2, bias=False, initialization="constant")
    x = torch.randn(2, 4, 5)
    expected = x.mean(dim=1, keepdim=True).repeat_interleave(2, dim=-1).expand(-1, 3, -1)
    torch.testing.assert_close(wide(x), expected)


@every_stride
@pytest.mark.parametrize("bias", [True, False])
def test_icnr_starts_as_a_random_convolution_and_nearest_interpolation(stride, bias) -> None:
    layer = make("subpixel", stride, 3, bias=bias, initialization="icnr")
    x = torch.randn(2, IN_CHANNELS, 9)
    y = layer(x)
    first = y[..., ::stride]
    torch.testing.assert_close(y, first.repeat_interleave(stride, dim=-1), rtol=0, atol=1e-6)
    # Still random: each output channel has its own filter, that of the default initialization.
    plain = make("subpixel", stride, 3, bias=bias)
    for key, weight in layer.state_dict().items():
        assert torch.equal(weight[::stride], plain.state_dict()[key][::stride])
    assert not torch.equal(first[:, 0], first[:, 1])
    assert all(parameter.requires_grad for parameter in layer.parameters())


@pytest.mark.parametrize(("name", "known"), [("transposed", "constant"), ("subpixel", "icnr")])
def test_an_unknown_initialization_is_an_input_error(name: str, known: str) -> None:
    message = rf"^initialization: 'zeros' is unknown; known: default, {known}$"
    with pytest.raises(InputError, match=message):
        make(name, 2, initialization="zeros")


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9, 10])
def test_a_same_convolution_keeps_the_length_and_centers_its_filter(length: int) -> None:
    convolution = SameConvolution(1, 1, length, bias=False)
    nn.init.ones_(convolution.weight)
    x = torch.zeros(1, 1, 31)
    x[..., 15] = 1
    y = convolution(x)[0, 0]
    assert y.shape == (31,)
    first, last = y.nonzero()[0].item(), y.nonzero()[-1].item()
    assert last - first == length - 1
    assert (15 - first, last - 15) == (length // 2, (length - 1) // 2)


def test_parameter_counts_match_counts_by_hand() -> None:
    assert parameter_count(make("transposed", 4, 8)) == 3 * 4 * 8 + 4
    assert parameter_count(make("nearest", 4, 9)) == 3 * 4 * 9 + 4
    assert parameter_count(make("subpixel", 4, 3, bias=False)) == 3 * (4 * 4) * 3
    frozen = make("linear", 4, 9).requires_grad_(False)
    assert parameter_count(frozen) == 0
