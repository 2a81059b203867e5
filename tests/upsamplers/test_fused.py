"""Fused layers: same outputs and gradients as in two steps, and the choice between the two."""

import copy
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.precision import emulated_tf32
from upsampling_artifacts.probes.layer_tracer import Layer, find_layers
from upsampling_artifacts.upsamplers.fused import FusedInterpolationConvolution, fuse
from upsampling_artifacts.upsamplers.fusion_plan import Plan
from upsampling_artifacts.upsamplers.linear import LinearConvolution
from upsampling_artifacts.upsamplers.nearest import NearestConvolution
from upsampling_artifacts.upsamplers.rounding import emulates_tf32

CLASSES = {"nearest": NearestConvolution, "linear": LinearConvolution}

each = pytest.mark.parametrize("name", CLASSES)


@pytest.fixture(params=[False, True], ids=["exact", "rounded"])
def rounded(request: pytest.FixtureRequest) -> Iterator[None]:
    """Layers compute both ways: also as if the arithmetic rounded, which it does not in float64."""
    with as_if_rounded(request.param):
        yield


@contextmanager
def as_if_rounded(rounded: bool) -> Iterator[None]:
    token = emulates_tf32.set(rounded)
    yield
    emulates_tf32.reset(token)


def pair(name: str, stride: int, length: int, channels: tuple = (3, 2), bias: bool = True):
    """The same layer as two steps (plain) and fused, float64."""
    torch.manual_seed(0)
    plain, fused = (
        CLASSES[name](*channels, stride, length=length, bias=bias, implementation=kind).double()
        for kind in ("plain", "fused")
    )
    fused.load_state_dict(plain.state_dict())
    return plain, fused


def output_and_gradients(layer: nn.Module, x: Tensor) -> list[Tensor]:
    """The output, and the gradients of a weighted sum of its squares (the weights differ)."""
    x = x.clone().requires_grad_()
    y = layer(x)
    loss = (y.square() * torch.linspace(-1, 2, y.numel()).reshape(y.shape)).sum()
    return [y, *torch.autograd.grad(loss, [x, *layer.parameters()])]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(CLASSES)), st.integers(2, 8), st.integers(1, 12), st.integers(1, 30),
    st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(1, 3), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_outputs_and_gradients_equal_those_of_two_steps(
    name: str, stride: int, length: int, time: int, channels: tuple, batch: int, bias: bool,
    rounded: bool,
) -> None:  # fmt: skip
    plain, fused = pair(name, stride, length, channels, bias)
    x = torch.randn(batch, channels[0], time, dtype=torch.float64)
    with as_if_rounded(rounded):
        expected, actual = output_and_gradients(plain, x), output_and_gradients(fused, x)
    assert len(actual) == (4 if bias else 3)
    for one, other in zip(actual, expected, strict=True):
        assert one.shape == other.shape
        # Relative to the largest value: sums of hundreds of products differ in rounding.
        assert (one - other).abs().max() <= 1e-12 * other.abs().max().clamp(min=1)


@each
@pytest.mark.usefixtures("rounded")
def test_second_derivatives_are_correct(name: str) -> None:
    _, fused = pair(name, 3, 5)
    x = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fused, x)
    assert torch.autograd.gradgradcheck(fused, x)


@each
@pytest.mark.usefixtures("rounded")
def test_gradients_are_correct_if_the_input_or_the_weights_need_none(name: str) -> None:
    """As in the first layer of a network, or with frozen weights."""
    plain, fused = pair(name, 4, 9)
    x = torch.randn(2, 3, 7, dtype=torch.float64)
    for layer in (plain, fused):
        layer(x).square().sum().backward()
    torch.testing.assert_close(fused.convolution.weight.grad, plain.convolution.weight.grad)
    for layer in (plain, fused):
        layer.requires_grad_(False)
    z = x.clone().requires_grad_()
    torch.testing.assert_close(
        torch.autograd.grad(fused(z).square().sum(), z),
        torch.autograd.grad(plain(z).square().sum(), z),
    )


@each
@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_the_weight_is_transformed_in_single_precision(
    name: str, weights: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def matmul(a: Tensor, b: Tensor) -> Tensor:
        result = torch.Tensor.matmul(a, b)
        seen.append((a.dtype, b.dtype, result.dtype))
        return result

    layer = CLASSES[name](8, 8, 4, length=9, implementation="fused").to(weights)
    with monkeypatch.context() as patch, torch.autocast("cpu", torch.bfloat16):
        patch.setattr(torch, "matmul", matmul)
        y = layer(torch.randn(2, 8, 9, dtype=weights))
    assert seen == [(torch.float32,) * 3]
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert layer.convolution.weight.grad.dtype == weights


ARITHMETIC: dict[str, tuple[Callable[[], AbstractContextManager[None]], float]] = {
    "bf16": (partial(torch.autocast, "cpu", torch.bfloat16), 2**-8),
    "fp16": (partial(torch.autocast, "cpu", torch.float16), 2**-11),
    "tf32": (emulated_tf32, 2**-11),
    "tf32 throughout": (partial(emulated_tf32, matrix_products=True), 2**-11),
    "float32": (nullcontext, 2**-20),  # of sums of up to 128 products
}
"""How a layer computes, and the largest relative error of rounding."""


def tones(y: Tensor, stride: int) -> Tensor:
    """Powers at the multiples of the low rate: those of the periodic part of each channel.

    Args:
        y: ``(batch, channels, time * stride)``.
        stride: Samples per period.

    Returns:
        ``(batch, channels, stride - 1)``.
    """
    window = torch.hann_window(y.shape[-1] // stride * stride, dtype=torch.float64)
    periodic = (y[..., : len(window)].double() * window / window.mean()).unflatten(-1, (-1, stride))
    return (torch.fft.fft(periodic.mean(-2)) / stride)[..., 1:].abs().square()


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(CLASSES)), st.integers(2, 10), st.integers(1, 16),
    st.sampled_from(sorted(ARITHMETIC)), st.booleans(), st.integers(0, 10**6),
)  # fmt: skip
def test_a_constant_becomes_no_tone(
    name: str, stride: int, length: int, arithmetic: str, bias: bool, seed: int
) -> None:
    """Less than -130 dB re the constant; and the borders are those of two steps."""
    plain, fused = (layer.float() for layer in pair(name, stride, length, (8, 4), bias))
    torch.manual_seed(seed)
    x = torch.randn(2, 8, 1).expand(-1, -1, 40)
    context, error = ARITHMETIC[arithmetic]
    with torch.no_grad(), context():
        expected, actual = plain(x), fused(x)
    assert actual.dtype == expected.dtype
    border = stride * (2 + length // stride)
    level = tones(actual[..., border:-border], stride).max() / x.square().mean()
    assert level < 10 ** (-130 / 10)
    weights = plain.convolution.weight.abs().sum(-1)
    largest = (x.abs().amax(-1) @ weights.T + 1)[..., None]  # and the bias, below 1
    assert ((actual - expected).abs() <= 3 * error * largest).all()


@each
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize(("stride", "length"), [(2, 5), (2, 9), (3, 6), (4, 9), (8, 16)])
@pytest.mark.parametrize(("noise", "samples", "excess_db"), [(0.1, 300, 0.5), (1.0, 1000, 1.0)])
def test_noise_with_an_offset_becomes_the_tone_of_two_steps(
    name: str, arithmetic: str, stride: int, length: int, noise: float, samples: int,
    excess_db: float,
) -> None:  # fmt: skip
    """The rounding noise at the frequencies of the tones, on average over many channels.

    Noise as strong as the offset has large differences, whose rounding adds to it. In short
    signals, the leakage of its spectral images would hide that.
    """
    plain, fused = (layer.float() for layer in pair(name, stride, length, (4, 64)))
    x = torch.randn(32, 4, 1) + noise * torch.randn(32, 4, samples)
    with torch.no_grad(), ARITHMETIC[arithmetic][0]():
        expected, actual = plain(x), fused(x)
    border = 8 * stride
    levels = [tones(y[..., border:-border], stride).mean() for y in (actual, expected)]
    assert levels[0] < 10 ** (excess_db / 10) * levels[1]


@pytest.mark.parametrize(("stride", "length"), [(2, 9), (4, 9), (8, 16)])
def test_an_offset_that_begins_later_becomes_no_tone(stride: int, length: int) -> None:
    """Differences vanish wherever the input is constant, whatever its mean over time."""
    _, fused = (layer.float() for layer in pair("nearest", stride, length, (4, 64)))
    x = torch.randn(8, 4, 1).repeat(1, 1, 200)
    x[..., :100] = 0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y = fused(x)
    for part in (y[..., 10 * stride : 90 * stride], y[..., 110 * stride : 190 * stride]):
        assert tones(part, stride).max() < 10 ** (-130 / 10) * x.square().mean()


@each
def test_gradients_under_autocast_are_those_of_two_steps(name: str) -> None:
    plain, fused = (layer.float() for layer in pair(name, 4, 9, (16, 8)))
    x = 1 + torch.randn(2, 16, 50)
    exact = output_and_gradients(copy.deepcopy(plain).double(), x.double())
    with torch.autocast("cpu", torch.bfloat16):
        results = [output_and_gradients(layer, x) for layer in (plain, fused)]
    for truth, *both in zip(exact, *results, strict=True):
        errors = [(one - truth).square().mean() for one in both]
        assert errors[1] < 3 * errors[0] < 1e-3 * truth.square().mean()


@each
def test_under_autocast_the_error_is_less_than_three_times_that_of_two_steps(name: str) -> None:
    plain, fused = pair(name, 4, 9, (64, 64))
    x = torch.randn(2, 64, 50, dtype=torch.float64)
    truth = plain(x)
    with torch.autocast("cpu", torch.bfloat16):
        errors = [(layer.float()(x.float()) - truth).square().mean() for layer in (plain, fused)]
    assert errors[1] < 3 * errors[0] < 1e-3 * truth.square().mean()


@each
def test_state_dicts_do_not_depend_on_the_implementation(name: str) -> None:
    options = ({"channels": 4, "depth": 2}, {"name": name, "length": 9})
    built = [
        build_model(
            "demucs", options[0], {**options[1], **more}, n_sources=2, audio_channels=1, seed=3
        )
        for more in ({"implementation": "plain"}, {"implementation": "fused"}, {})
    ]
    plain, *others = (model.state_dict() for model in built)
    for other in others:
        assert list(other) == list(plain)
        assert all(torch.equal(other[key], plain[key]) for key in plain)


def weight_changes(layer: nn.Module) -> dict:
    """Functions that change the weight of a layer, by name."""

    def step(optimizer: torch.optim.Optimizer) -> None:
        for parameter in layer.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()

    def assign() -> None:
        state = {key: torch.randn_like(value) for key, value in layer.state_dict().items()}
        layer.load_state_dict(state, assign=True)

    def replace() -> None:
        layer.convolution.weight = nn.Parameter(torch.randn_like(layer.convolution.weight))

    def move_and_initialize() -> None:
        layer.to("meta").to_empty(device="cpu")
        for parameter in layer.parameters():
            nn.init.normal_(parameter)

    def state() -> dict:
        return {key: torch.randn_like(value) for key, value in layer.state_dict().items()}

    return {
        "load": lambda: layer.load_state_dict(state()),
        "assign": assign,
        "sgd": lambda: step(torch.optim.SGD(layer.parameters(), lr=0.1)),
        "adam": lambda: step(torch.optim.Adam(layer.parameters(), lr=0.1, foreach=True)),
        "fused adam": lambda: step(torch.optim.Adam(layer.parameters(), lr=0.1, fused=True)),
        "in place": lambda: nn.init.normal_(layer.convolution.weight),
        "replace": replace,
        "single": lambda: layer.float(),
        "meta": move_and_initialize,
    }


@each
@pytest.mark.parametrize("change", weight_changes(nn.Linear(1, 1)))
@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_the_cached_filter_is_never_stale(name: str, change: str, without_gradients) -> None:
    plain, fused = pair(name, 4, 9)
    fused.eval()
    x = torch.randn(1, 3, 6, dtype=torch.float64)
    with without_gradients():
        before = fused(x)
    with torch.enable_grad():
        weight_changes(fused)[change]()
    x = x.to(fused.convolution.weight.dtype)
    plain.to(x.dtype).load_state_dict(fused.state_dict())
    with without_gradients():
        after = fused(x)
        torch.testing.assert_close(after, plain(x))
    if change != "single":
        assert not torch.allclose(after, before)


def test_the_filter_is_computed_once_in_evaluation_and_per_call_in_training(
    monkeypatch,
) -> None:
    weights = []

    def recorded(weight: Tensor, plan: Plan) -> Tensor:
        weights.append(weight)
        return fuse(weight, plan)

    monkeypatch.setattr("upsampling_artifacts.upsamplers.fused.fuse", recorded)
    _, fused = pair("nearest", 4, 9)
    x = torch.randn(1, 3, 6, dtype=torch.float64)
    fused.eval()
    with torch.no_grad():
        for _ in range(3):
            fused(x)
    assert len(weights) == 1
    fused(x).sum().backward()  # gradients in evaluation mode
    assert len(weights) == 2 and fused.convolution.weight.grad.abs().sum() > 0
    fused.train()
    with torch.no_grad():
        fused(x)
        fused(x)
    assert len(weights) == 4


def test_a_filter_cached_in_inference_mode_does_not_break_training() -> None:
    plain, fused = pair("linear", 5, 7)
    x = torch.randn(1, 3, 6, dtype=torch.float64)
    with torch.inference_mode():
        fused.eval()(x)
    for one, other in zip(
        output_and_gradients(fused, x), output_and_gradients(plain, x), strict=True
    ):
        torch.testing.assert_close(one, other)


@each
def test_copies_and_pickles_hold_no_cached_filter(name: str) -> None:
    _, fused = pair(name, 4, 9, (32, 32))
    sizes = []
    for _ in range(2):
        file = io.BytesIO()
        torch.save(fused, file)
        sizes.append(file.tell())
        with torch.no_grad():
            y = fused.eval()(torch.ones(1, 32, 8, dtype=torch.float64))
    assert sizes[0] == sizes[1]
    with torch.no_grad():
        torch.testing.assert_close(copy.deepcopy(fused)(torch.ones(1, 32, 8).double()), y)


def test_auto_fuses_layers_with_enough_work() -> None:
    def chosen(name: str, channels: int, batch: int, time: int, **options: object) -> bool:
        layer = CLASSES[name](channels, channels, 4, **{"length": 9, **options})
        return layer.is_fused(torch.zeros(batch, channels, time))

    for name in CLASSES:
        assert chosen(name, 128, 4, 250) and chosen(name, 128, 1, 1000)
        assert not chosen(name, 128, 1, 16)
        assert not chosen(name, 128, 4, 250, implementation="plain")
        assert chosen(name, 1, 1, 1, implementation="fused")
        assert not chosen(name, 128, 4, 10_000, length=1)  # saves no products
        assert not chosen(name, 128, 4, 250, length=None)
    assert chosen("nearest", 128, 1, 120) and not chosen("linear", 128, 1, 120)
    with torch.no_grad():
        layer = NearestConvolution(128, 128, 4, length=9).eval()
        assert layer.is_fused(torch.zeros(1, 128, 50))
        assert not layer.train().is_fused(torch.zeros(1, 128, 50))


class Shifted(NearestConvolution):
    """A user-supplied subclass with an interpolation of its own."""

    def interpolate(self, x: Tensor) -> Tensor:
        return super().interpolate(x).roll(1, dims=-1)


def test_a_user_supplied_interpolation_is_not_fused() -> None:
    layer = Shifted(2, 2, 4, length=9, implementation="fused")
    x = torch.randn(4, 2, 1000)
    assert torch.equal(layer(x), layer.convolution(layer.interpolate(x)))


@each
def test_an_unknown_implementation_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="implementation: 'fast' is unknown; known: plain, fused"):
        CLASSES[name](1, 1, 2, length=3, implementation="fast")


@each
def test_a_layer_with_hooks_runs_as_two_steps(name: str) -> None:
    """So that the tracer sees both, and measures do not depend on the implementation."""
    layer = CLASSES[name](2, 2, 4, length=9, implementation="fused")
    found = find_layers(layer, torch.randn(1, 2, 50))
    assert found == [Layer("interpolation", "interpolation", 4, "up")]
    assert layer.is_fused(torch.randn(1, 2, 50))


@each
def test_layers_with_weight_normalization_can_be_fused(name: str) -> None:
    plain, fused = pair(name, 4, 9)
    for layer in (plain, fused):
        parametrizations.weight_norm(layer.convolution)
    x = torch.randn(2, 3, 7, dtype=torch.float64)
    for one, other in zip(
        output_and_gradients(fused, x), output_and_gradients(plain, x), strict=True
    ):
        torch.testing.assert_close(one, other)
    with torch.no_grad():
        fused.eval()(x)
        fused.convolution.parametrizations.weight.original0.mul_(2)
        plain.convolution.parametrizations.weight.original0.mul_(2)
        torch.testing.assert_close(fused(x), plain(x))


@each
@pytest.mark.usefixtures("rounded")
def test_a_fused_layer_saves_a_quarter_of_the_activations(name: str) -> None:
    def kept(layer: FusedInterpolationConvolution) -> int:
        parameters = {parameter.data_ptr() for parameter in layer.parameters()}
        tensors: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            tensors[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            layer(x)
        return sum(size for pointer, size in tensors.items() if pointer not in parameters)

    x = torch.randn(4, 8, 5000, dtype=torch.float64, requires_grad=True)
    plain, fused = pair(name, 4, 9, (8, 8))
    assert kept(plain) == pytest.approx(4 * x.nbytes, rel=0.01)
    assert kept(fused) == pytest.approx(x.nbytes, rel=0.02)


def test_fused_nearest_is_a_transposed_convolution_with_the_fused_filter() -> None:
    """The fused filter is the weight convolved with a box of ``stride`` ones."""
    _, fused = pair("nearest", 4, 9, (1, 1), bias=False)
    box = torch.ones(1, 1, 4, dtype=torch.float64)
    v = F.conv1d(fused.convolution.weight, box, padding=3)
    assert v.shape[-1] == 12
    x = torch.randn(1, 1, 20, dtype=torch.float64)
    expected = F.conv_transpose1d(x, v.flip(-1), stride=4, padding=4)
    torch.testing.assert_close(fused(x), expected, rtol=0, atol=1e-14)
