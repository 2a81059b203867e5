"""A training step: fused Adam, gradient accumulation, activation checkpointing, precision."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.loss import loss_function
from upsampling_artifacts.training.activation_checkpointing import checkpoint_blocks, find_blocks
from upsampling_artifacts.training.step import Trainer, choose_precision, computed_in

from ..models.test_registry import SEPARATING, system_of
from .conftest import OPTIONS

every_architecture = pytest.mark.parametrize("architecture", SEPARATING)
LINEAR = {"name": "linear", "length": 9}
OTHER_UPSAMPLERS = [
    {"name": "transposed", "length": 8},
    LINEAR | {"implementation": "fused"},
    {"name": "sinc", "length": 9},
    {"name": "wavelet", "wavelet": "haar", "learnable": True, "length": 3},
]


def build(architecture: str, upsampler: dict | None = None) -> nn.Module:
    system = system_of(architecture)
    if upsampler:
        system["upsampler"] = upsampler
    return build_model(**system, n_sources=2, audio_channels=2, seed=0)


def batch_of(segments: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """``(segments, 2 sources, 2 channels, 3000 samples)``."""
    generator = torch.Generator().manual_seed(seed)
    samples = 10_000 * torch.randn(segments, 2, 2, 3000, generator=generator)
    factors = torch.rand(segments, 2, 1, 1, generator=generator)
    return samples.to(torch.int16), (0.5 + factors) / 10_000


class InDoublePrecision(nn.Module):
    """A model that computes in float64, whatever the type of its input."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.own_loss = model.double(), getattr(model, "own_loss", False)

    def forward(self, *waveforms: torch.Tensor) -> torch.Tensor:
        return self.model(*(each.double() for each in waveforms))


def make_trainer(
    model: nn.Module, learning_rate: float, precision: str = "32-true", **options: object
) -> Trainer:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    return Trainer(fabric, model, replace(OPTIONS, learning_rate=learning_rate, **options))


def gradients(model: nn.Module, batch: tuple, **options: object) -> list[torch.Tensor]:
    """The gradients of one step with a learning rate of zero."""
    torch.manual_seed(3)
    make_trainer(model.train(), 0.0, **options).step(batch)
    return [parameter.grad for parameter in model.parameters() if parameter.requires_grad]


def losses(
    model: nn.Module, precision: str = "32-true", fused: bool = True, steps: int = 4
) -> list[float]:
    torch.manual_seed(3)
    trainer = make_trainer(model.train(), 0.002, precision, weight_decay=0.01)
    for group in trainer.optimizer.param_groups:
        assert group["fused"]
        group["fused"] = fused
    return [trainer.step(batch_of(2, seed)).item() for seed in range(steps)]


def test_fused_adam_equals_adam_up_to_rounding() -> None:
    fused, plain = build("demucs"), build("demucs")
    before = copy.deepcopy(fused.state_dict())
    assert losses(fused) == pytest.approx(losses(plain, fused=False), rel=1e-5)
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(fused.state_dict()[name], weight, rtol=0, atol=1e-5)
        assert (weight - before[name]).abs().max() > 1e-3


@pytest.mark.parametrize("fused", [True, False])
def test_adam_resumes_as_it_was_saved(fused: bool) -> None:
    """The saved state of the optimizer includes whether it is fused."""
    trainer = make_trainer(build("demucs"), 0.002)
    trainer.optimizer.param_groups[0]["fused"] = fused
    trainer.step(batch_of(2, seed=0))
    saved = copy.deepcopy((trainer.model.state_dict(), trainer.optimizer.state_dict()))
    trainer.step(batch_of(2, seed=1))

    resumed = make_trainer(build("demucs"), 0.1)
    resumed.model.load_state_dict(saved[0])
    resumed.optimizer.load_state_dict(saved[1])
    resumed.step(batch_of(2, seed=1))
    weights = resumed.model.state_dict()
    assert all(weight.equal(weights[name]) for name, weight in trainer.model.state_dict().items())


def test_fused_adam_skips_a_step_whose_float16_gradients_overflow() -> None:
    """The loss scaler leaves unscaling and the check for overflow to a fused optimizer."""
    weight = nn.Parameter(torch.ones(3))
    adam = torch.optim.Adam([weight], lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for gradient, expected in ((1.0, 0.9), (float("inf"), 0.9), (1.0, 0.8)):
        scaler.scale(torch.ones(())).item()
        weight.grad = torch.full((3,), gradient * scaler.get_scale())
        scaler.step(adam)
        scaler.update()
        torch.testing.assert_close(weight.detach(), torch.full((3,), expected))


@every_architecture
@pytest.mark.parametrize("gradient_accumulation", [2, 3, 6])
def test_accumulated_gradients_are_those_of_the_full_batch(
    architecture: str, gradient_accumulation: int
) -> None:
    def model() -> nn.Module:
        built = InDoublePrecision(build(architecture))
        for module in built.modules():
            if isinstance(module, nn.LSTM):
                module.dropout = 0.0  # draws different numbers for different shapes
            if isinstance(module, nn.BatchNorm1d):
                module.eval()  # permanently: the statistics of parts differ
                module.train = lambda _, module=module: module
        return built

    full_batch = gradients(model(), batch_of(6))
    parts = gradients(model(), batch_of(6), gradient_accumulation=gradient_accumulation)
    for expected, gradient in zip(full_batch, parts, strict=True):
        assert expected.any()
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-10)


def test_the_accumulated_loss_is_that_of_the_full_batch() -> None:
    batch = batch_of(6)
    expected = loss_function(build("demucs"), batch).item()
    for gradient_accumulation in (1, 2, 6):
        trainer = make_trainer(build("demucs"), 0.0, gradient_accumulation=gradient_accumulation)
        assert trainer.step(batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("architecture", "upsampler"),
    [(name, None) for name in SEPARATING] + [("demucs", each) for each in OTHER_UPSAMPLERS],
)
def test_activation_checkpointing_gives_the_same_gradients_bit_for_bit(
    architecture: str, upsampler: dict | None
) -> None:
    """It also leaves the same running statistics and the same random state."""
    kept, checkpointed = (InDoublePrecision(build(architecture, upsampler)) for _ in range(2))
    expected = gradients(kept, batch_of(2))
    after = torch.rand(1)
    for gradient, other in zip(
        gradients(checkpointed, batch_of(2), activation_checkpointing=True), expected, strict=True
    ):
        assert gradient.equal(other)
    assert torch.rand(1).equal(after)
    states = checkpointed.state_dict()
    assert states.keys() == kept.state_dict().keys()
    assert all(state.equal(states[name]) for name, state in kept.state_dict().items())
    with torch.no_grad():
        mixture = torch.randn(1, 2, 3000)
        assert checkpointed.eval()(mixture).equal(kept.eval()(mixture))


def saved_bytes(forward: Callable[[], torch.Tensor]) -> int:
    """Bytes that autograd saves in a forward pass."""
    saved, held = {}, []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # keeps the storages alive, so that no two share a data pointer
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(saved.values())


@every_architecture
def test_activation_checkpointing_saves_memory(architecture: str) -> None:
    model, batch = build(architecture).train(), batch_of(4)
    kept = saved_bytes(lambda: loss_function(model, batch))
    checkpoint_blocks(model)
    assert saved_bytes(lambda: loss_function(model, batch)) < 0.7 * kept


def test_the_residual_blocks_of_a_vocoder_are_checkpointed() -> None:
    """Their layers compute their weights (weight normalization); single layers are no blocks."""
    vocoder = build_model(
        "melgan", {"channels": 32}, {"name": "transposed"}, n_sources=1, audio_channels=1, seed=0
    )
    found = [type(block).__name__ for block in find_blocks(vocoder)]
    assert found.count("_ResidualBlock") == 12
    assert "LeakyReLU" not in found
    audio = torch.randn(1, 1, 5000)

    def gradient() -> list[torch.Tensor]:
        vocoder.zero_grad()
        vocoder(audio).square().mean().backward()
        return [parameter.grad for parameter in vocoder.parameters()]

    expected = gradient()
    checkpoint_blocks(vocoder)
    assert all(a.equal(b) for a, b in zip(gradient(), expected, strict=True))


def test_activation_checkpointing_of_a_network_without_blocks_is_an_input_error() -> None:
    alone = nn.Sequential(nn.Conv1d(2, 4, 1), nn.ReLU())
    with pytest.raises(
        InputError, match=r"^training\.activation_checkpointing: Sequential has no blocks"
    ):
        checkpoint_blocks(alone)


@every_architecture
def test_a_step_in_bfloat16_is_close_to_one_in_single_precision(architecture: str) -> None:
    """Its spectrograms, too, are computed from a mixture that is not rounded."""
    single = losses(build(architecture), steps=3)
    rounded = losses(build(architecture), precision="bf16-mixed", steps=3)
    assert rounded == pytest.approx(single, rel=0.02)
    assert rounded != single


@every_architecture
def test_mixed_precision_rounds_neither_the_transform_nor_the_filter(architecture: str) -> None:
    """Compares the estimates of an untrained network, as in a validation."""
    estimates = []
    for precision in ("32-true", "bf16-mixed"):
        model = make_trainer(build(architecture), 0.002, precision).model
        samples, factors = batch_of(2)
        with torch.no_grad():
            estimates.append(model.eval()((samples.float() * factors).sum(1)))
    exact, rounded = estimates
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).square().mean() < 1e-3 * exact.square().mean()


def test_mixed_precision_does_not_round_the_mixture() -> None:
    class MixtureRecorder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, mixture: torch.Tensor) -> torch.Tensor:
            self.mixture = mixture
            return self.scale * mixture.unsqueeze(1).expand(-1, 2, -1, -1)

    trainer = make_trainer(MixtureRecorder(), 0.1, "bf16-mixed")
    samples, factors = batch_of(1)
    trainer.step((samples, factors))
    assert trainer.model.module.mixture.equal((samples.float() * factors).sum(1))


def test_every_separating_architecture_is_tested() -> None:
    assert set(SEPARATING) | {"melgan"} == set(registry.ARCHITECTURES)


GPUS = {"A100": (8, 0), "H100": (9, 0), "V100": (7, 0)}


def put_in(monkeypatch: pytest.MonkeyPatch, *gpus: str) -> None:
    """Let torch see these GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(gpus))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: GPUS[gpus[index]])


@pytest.mark.parametrize(
    ("gpus", "accelerator", "expected"),
    [
        ([], "auto", "32-true"),
        (["H100"], "auto", "bf16-mixed"),
        (["A100", "H100"], "cuda", "bf16-mixed"),
        (["H100", "V100"], "auto", "32-true"),
        (["H100"], "cpu", "32-true"),
    ],
)
def test_automatic_precision_is_bfloat16_on_gpus_that_compute_in_it(
    monkeypatch: pytest.MonkeyPatch, gpus: list[str], accelerator: str, expected: str
) -> None:
    put_in(monkeypatch, *gpus)
    options = replace(OPTIONS, accelerator=accelerator)
    assert choose_precision(replace(options, precision="auto")).precision == expected
    for precision in ("32-true", "16-mixed", "bf16-mixed"):
        chosen = replace(options, precision=precision)
        assert choose_precision(chosen) == chosen


@pytest.mark.parametrize("gpu", GPUS)
def test_single_precision_is_tf32_on_gpus_with_tensor_cores_for_it(
    monkeypatch: pytest.MonkeyPatch, gpu: str
) -> None:
    put_in(monkeypatch, gpu)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: GPUS[gpu])
    cuda = torch.device("cuda")
    assert computed_in("32-true", cuda) == ("32-true" if gpu == "V100" else "tf32")
    assert computed_in("32-true", torch.device("cpu")) == "32-true"
    assert computed_in("bf16-mixed", cuda) == "bf16-mixed"
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    assert computed_in("32-true", cuda) == "32-true"
