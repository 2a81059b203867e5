"""Losses: values that are known, frozen networks, and one line for each mistake."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models import deep_features
from upsampling_artifacts.models.adversarial import SAMPLES, Adversarial, shuffle_phase
from upsampling_artifacts.models.build import build_loss, seeded

TOYS = "tests.toy_losses"
KNOWN = registry.LOSSES | registry.ADVERSARIAL_LOSSES
NETWORKS = [name for name in KNOWN if name.startswith(("deep", "adversarial"))]
every_loss = pytest.mark.parametrize("name", KNOWN)
every_network = pytest.mark.parametrize("name", NETWORKS)


def build(name: str, seed: int = 0) -> torch.nn.Module:
    return build_loss({"name": name}, known=KNOWN, seed=seed)


def noise(seed: int = 0) -> torch.Tensor:
    """Two waveforms ``(1, 2, 1, SAMPLES)``."""
    return torch.randn(2, 1, 2, 1, SAMPLES, generator=torch.Generator().manual_seed(seed))


def test_l1_and_l2_are_the_mean_absolute_and_the_mean_squared_difference() -> None:
    estimate, target = torch.tensor([[1.0, 2.0], [0.0, -2.0]])
    assert build("l1")(estimate, target).item() == (1 + 4) / 2
    assert build("l2")(estimate, target).item() == (1 + 16) / 2


@every_loss
def test_a_loss_is_a_scalar_with_a_gradient(name: str) -> None:
    estimate, target = noise()
    loss = build(name)(estimate.requires_grad_(), target)
    loss.backward()
    assert loss.shape == ()
    assert estimate.grad.isfinite().all() and estimate.grad.any()


@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_training_loss_is_lowest_for_the_target(name: str) -> None:
    estimate, target = noise()
    loss = build(name)
    assert loss(target, target).item() == pytest.approx(0, abs=1e-6)
    assert loss(target + 0.1 * estimate, target) < loss(target + estimate, target)


@every_network
def test_the_weights_of_a_loss_are_frozen_and_seeded(name: str) -> None:
    before = torch.get_rng_state()
    first, again, other = build(name), build(name), build(name, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(first.parameters()) and not any(p.requires_grad for p in first.parameters())
    assert not first.training
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and (a.dim() == 1 or not torch.equal(a, c))


def test_signals_too_short_for_the_longest_transform_are_named() -> None:
    loss = build_loss({"name": "multi_resolution_stft"})
    with pytest.raises(InputError, match=r"training\.segment_seconds: 1024 samples are too few"):
        loss(torch.ones(1, 1024), torch.zeros(1, 1024))
    assert loss(torch.ones(1, 1025), torch.zeros(1, 1025)).isfinite()


def test_an_stft_loss_compares_magnitudes_only() -> None:
    """The magnitudes of a waveform and its negative are the same."""
    _, target = noise()
    assert build("multi_resolution_stft")(-target, target).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["deep_features", "deep_features_pooling"])
def test_deep_features_have_a_quarter_of_the_rate_after_each_block(name: str) -> None:
    loss = build(name)
    x, lengths = torch.zeros(1, 1, SAMPLES), []
    for block in loss.blocks:
        x = block(x)
        lengths.append(x.shape[-1] / SAMPLES)
    assert lengths == pytest.approx([4**-1, 4**-2, 4**-3], rel=0.01)
    strides = [m.stride for m in loss.modules() if isinstance(m, torch.nn.Conv1d)]
    assert set(strides) == {(1,) if name.endswith("pooling") else (deep_features.STRIDE,)}


def test_the_discriminator_is_as_deep_as_wavegans() -> None:
    loss = Adversarial()
    assert [tuple(c.weight.shape) for c in loss.convolutions] == [
        (16, 1, 25), (32, 16, 25), (64, 32, 25), (128, 64, 25), (256, 128, 25),
    ]  # fmt: skip
    assert all(c.stride == (4,) for c in loss.convolutions)
    assert loss.score.in_features == 16 * 256


def test_a_discriminators_score_is_maximized() -> None:
    estimate, target = noise()
    loss = build("adversarial")
    (gradient,) = torch.autograd.grad(loss(estimate.requires_grad_(), target), estimate)
    assert loss(estimate - 10 * gradient, target) < loss(estimate, target)
    assert loss(estimate, target) == loss(estimate, 0 * target)


def test_phase_shuffle_shifts_all_channels_by_up_to_two_samples_and_reflects() -> None:
    x = torch.arange(10.0).expand(2, 3, 10)
    starts = set()
    with seeded(0):
        for _ in range(60):
            shuffled = shuffle_phase(x, 2)
            assert torch.equal(shuffled, shuffled[:1, :1].expand(2, 3, 10))
            starts.add(tuple(shuffled[0, 0].tolist()))
    row = list(range(10))
    assert starts == {
        (2, 1, *row[:8]), (1, *row[:9]), tuple(row), (*row[1:], 8), (*row[2:], 8, 7),
    }  # fmt: skip


def test_phase_shuffle_draws_anew_with_each_call() -> None:
    estimate, target = noise()
    for name, expected in (("adversarial", 1), ("adversarial_phase_shuffle", 4)):
        loss = build(name)
        with seeded(0):
            assert len({loss(estimate, target).item() for _ in range(4)}) == expected


def test_a_user_supplied_loss_gets_its_options() -> None:
    estimate, target = noise()
    loss = build_loss({"name": f"{TOYS}:Scaled", "scale": 3.0})
    assert loss(estimate, target).item() == pytest.approx(3 * F.l1_loss(estimate, target).item())
    assert not loss.weight.requires_grad


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"name": "l3"}, r"unknown loss 'l3'; known: deep_features, .*l1, l2, .*my_module:MyClass"),
        ({"name": "adversarial"}, "unknown loss 'adversarial'; known: "),
        ({"name": "l1", "weight": 2}, "loss 'l1': unknown option 'weight'; known: none"),
        ({"name": "no_such_module:Loss"}, "module 'no_such_module' cannot be imported"),
        ({"name": f"{TOYS}:Missing"}, "has no 'Missing'"),
        (
            {"name": f"{TOYS}:PerExample"},
            r"PerExample': returned a tensor of shape \(2,\); return a scalar tensor",
        ),
        ({"name": f"{TOYS}:NoTensor"}, r"NoTensor': returned 1\.\d+; return a scalar tensor"),
        ({"name": f"{TOYS}:Detached"}, "Detached': no finite gradient reaches the estimate; "),
        ({"name": f"{TOYS}:Infinite"}, "Infinite': returned inf for white noise; "),
        (
            {"name": f"{TOYS}:Raises"},
            r"Raises': given estimate and target of shape \(2, 2, 2, 16384\), it raised TypeError",
        ),
        ({"name": f"{TOYS}:NeedsWeights"}, "NeedsWeights': its class raised FileNotFoundError"),
        ({"name": f"{TOYS}:NoModule"}, r"NoModule': is a NoModule; return a torch\.nn\.Module"),
    ],
)
def test_a_mistake_gets_one_line(loss: dict, message: str) -> None:
    before = torch.get_rng_state()
    with pytest.raises(InputError, match=message) as error:
        build_loss(loss)
    assert "\n" not in str(error.value)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_gradient_of_one_filter_has_the_predicted_mean() -> None:
    """The mean gradient of a leaky ReLU's feature is (1 - SLOPE) arcsin(r) / pi."""
    torch.manual_seed(0)
    target, error = torch.randn(2, 2_000_000)
    estimate = (target + 0.5 * error).requires_grad_()
    slope = deep_features.SLOPE
    features = (F.leaky_relu(waveform, slope) for waveform in (estimate, target))
    F.l1_loss(*features, reduction="sum").backward()
    correlation = 0.5 / math.sqrt(1.25)
    predicted = (1 - slope) * math.asin(correlation) / math.pi
    assert estimate.grad.mean().item() == pytest.approx(predicted, abs=0.003)
