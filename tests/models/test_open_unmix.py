"""Open-Unmix: networks and filter of the package, trained by its recipe."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from openunmix.model import Separator
from safetensors.torch import load_file
from torch.nn import functional as F
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.segments import to_waveforms
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.models.open_unmix import OpenUnmix
from upsampling_artifacts.training import loop, step
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

SMALL = {"n_fft": 256, "hop": 64, "hidden": 8, "max_bin": 100}


def build(n_sources: int = 3, audio_channels: int = 2, **options: object) -> OpenUnmix:
    shape = {"n_sources": n_sources, "audio_channels": audio_channels}
    return build_model("open_unmix", SMALL | options, None, **shape, seed=0)


@pytest.mark.parametrize("n_sources", [1, 4])
def test_the_parameter_count_per_source_is_that_of_the_package(n_sources: int) -> None:
    system = {"architecture": "open_unmix", "options": {}, "upsampler": None}
    model = build_on_meta(system, n_sources, audio_channels=2)
    assert parameter_count(model) == n_sources * 8_893_348


def test_estimates_equal_those_of_the_package() -> None:
    model = build().eval()
    networks = {str(index): network for index, network in enumerate(model.networks)}
    package = Separator(networks, niter=1, n_fft=256, n_hop=64, wiener_win_len=None).eval()
    mixture = torch.randn(2, 2, 1001)
    with torch.no_grad():
        estimates = model(mixture)
        torch.testing.assert_close(estimates, package(mixture))
        assert not torch.allclose(estimates, build(wiener_iterations=0).eval()(mixture))


def test_the_loss_sums_the_mean_squared_errors_of_magnitudes_over_sources() -> None:
    model, stems = build(n_sources=2).eval(), torch.randn(2, 2, 2, 900)
    mixture = stems.sum(1)

    def magnitude(x: torch.Tensor) -> torch.Tensor:
        window = torch.hann_window(256)
        flat = torch.stft(x.flatten(0, 1), 256, 64, window=window, return_complex=True).abs()
        return flat.unflatten(0, x.shape[:2])

    expected = sum(
        (network(magnitude(mixture)) - magnitude(stems[:, index])).square().mean()
        for index, network in enumerate(model.networks)
    )
    torch.testing.assert_close(model(mixture, stems), expected)


def test_bins_start_with_mean_and_deviation_of_the_training_mixtures() -> None:
    model = build()
    generator = torch.Generator().manual_seed(0)
    songs = [torch.randn(2, n, generator=generator) * scale for n, scale in ((3000, 1), (5000, 3))]
    model.adapt_to(songs)
    window = torch.hann_window(256)
    spectra = [torch.stft(s, 256, 64, window=window, return_complex=True).abs() for s in songs]
    frames = torch.cat([spectrum.mean(0) for spectrum in spectra], dim=1)[:100]
    for network in model.networks:
        torch.testing.assert_close(-network.input_mean, frames.mean(1))
        torch.testing.assert_close(1 / network.input_scale, frames.std(1, correction=0))
        assert network.input_mean.requires_grad


def test_the_deviation_of_an_empty_band_is_clamped() -> None:
    model = build()
    time = torch.arange(8000) / 8000
    tone = torch.sin(2 * torch.pi * 250 * time) * torch.hann_window(8000)
    model.adapt_to([tone.expand(2, -1)])
    scale = 1 / model.networks[0].input_scale.detach()
    assert scale.min().item() == pytest.approx(1e-4 * scale.max().item(), rel=1e-3)


def test_training_uses_its_own_loss_and_validation_the_common_one(
    cache_song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = 0.1 * np.random.default_rng(0).standard_normal((2, 2, 4000))
    song = str(cache_song("song", stems))
    options = TrainingOptions(
        epochs=1, batch_size=2, segment_seconds=0.5, stride_seconds=0.5, shift_seconds=0.1,
        remix_group=1, learning_rate=1e-9, validate_every_epochs=1, checkpoint_minutes=60,
        accelerator="cpu", precision="32-true", num_workers=0,
    )  # fmt: skip
    seen, loss_function = [], step.loss_function

    def watched(model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        stems = to_waveforms(batch)
        expected = None if model.training else F.l1_loss(model(stems.sum(1)), stems)
        loss = loss_function(model, batch, *criterion)
        seen.append((model.training, loss, expected))
        return loss

    monkeypatch.setattr(step, "loss_function", watched)
    system = {"architecture": "open_unmix", "options": SMALL, "upsampler": None}
    path = tmp_path / "model.safetensors"
    files = TrainingFiles(
        [song], [song], path, tmp_path / "log.csv", tmp_path / "checkpoint.pt",
        tmp_path / "snapshots",
    )  # fmt: skip
    loop.train(system, options, 0, files)
    losses = [loss for trains, loss, _ in seen if trains]
    # On spectra; on waveforms of unit deviation, losses are below 2.
    assert len(losses) == 3 and all(loss > 5 for loss in losses)
    assert [loss for trains, loss, _ in seen if not trains] == [
        expected for trains, _, expected in seen if not trains
    ]
    adapted, cached = build(n_sources=2), read_cache(song)
    adapted.adapt_to([torch.from_numpy(np.float32(cached.mixture / 2**15 / cached.scale))])
    torch.testing.assert_close(
        load_file(path)["networks.1.input_mean"], adapted.networks[1].input_mean.detach(),
        atol=1e-5, rtol=1e-4,
    )  # fmt: skip


def test_more_than_two_channels_are_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot separate 3 channels; use mono or stereo"):
        build(audio_channels=3)
