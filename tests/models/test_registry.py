"""Every architecture is built, trained, saved, loaded, probed and separates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from upsampling_artifacts import registry
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.evaluation.estimates import separate_songs
from upsampling_artifacts.evaluation.separation import model_separator
from upsampling_artifacts.evaluation.table_1 import parameters_and_gflop
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.probes.model_probe import probe_model
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.training import checkpoint
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

from ..configs import read_config

CONFIG = read_config()
RATE_HZ = 8000
TRAINING = TrainingOptions(
    epochs=1, batch_size=2, segment_seconds=0.25, stride_seconds=0.25, shift_seconds=0.1,
    remix_group=2, learning_rate=0.001, validate_every_epochs=1, checkpoint_minutes=60,
    accelerator="cpu", precision="32-true", num_workers=0,
)  # fmt: skip
TWO_STEPS_SECONDS = 1.15  # four positions in batches of two

SEPARATING = sorted(set(registry.ARCHITECTURES) - {"melgan"})  # a vocoder: one source, mono
every_architecture = pytest.mark.parametrize("architecture", SEPARATING)


def system_of(architecture: str, size: str = "demo") -> dict:
    """The first system in config with this architecture."""
    row = next(
        row
        for row in CONFIG["systems"].values()
        if row.get("architecture", "demucs") == architecture
    )
    options = CONFIG["architectures"][architecture][size] | row.get("options", {})
    return {"architecture": architecture, "options": options, "upsampler": row["upsampler"]}


def built(architecture: str, n_sources: int = 4, audio_channels: int = 2) -> torch.nn.Module:
    shape = {"n_sources": n_sources, "audio_channels": audio_channels}
    return build_model(**system_of(architecture), **shape, seed=0).eval()


def noise(*shape: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(shape)


def test_every_architecture_has_all_sizes_and_a_system_in_config() -> None:
    for architecture in registry.ARCHITECTURES:
        sizes = {"paper", "figures"} | ({"demo"} if architecture in SEPARATING else set())
        assert set(CONFIG["architectures"][architecture]) == sizes
        assert system_of(architecture, "paper")


@every_architecture
@pytest.mark.parametrize("n_sources", [2, 4])
@pytest.mark.parametrize("audio_channels", [1, 2])
def test_every_architecture_trains_is_loaded_and_separates_to_the_exact_length(
    architecture: str,
    n_sources: int,
    audio_channels: int,
    cache_song: Callable[..., Path],
    tmp_path: Path,
) -> None:
    samples = round(TWO_STEPS_SECONDS * RATE_HZ)
    train_song = cache_song("train", noise(n_sources, audio_channels, samples), RATE_HZ)
    test_song = cache_song("test", noise(n_sources, audio_channels, 2 * samples + 1), RATE_HZ)
    path = tmp_path / "model.safetensors"
    system = system_of(architecture)
    songs = [str(train_song)]
    log, checkpoint_path = tmp_path / "training.csv", tmp_path / "checkpoint.pt"
    snapshots = tmp_path / "snapshots"
    train(system, TRAINING, 0, TrainingFiles(songs, songs, path, log, checkpoint_path, snapshots))
    assert (tmp_path / "training.csv").read_text().splitlines()[-1].startswith("2,")
    model, about = load_model(path)
    before = build_described(about).state_dict()
    changed = [key for key, value in model.state_dict().items() if not value.equal(before[key])]
    learnable = [key for key, value in model.named_parameters() if value.requires_grad]
    assert set(learnable) <= set(changed)
    assert all(value.isfinite().all() for value in load_file(path).values())

    separate = model_separator(path)
    song = read_cache(test_song)
    estimates = separate(song)
    assert estimates.shape == song.stems.shape
    assert np.isfinite(estimates).all() and estimates.any()
    separate_songs(separate, [str(test_song)], tmp_path / "estimates", "test")
    assert len(list((tmp_path / "estimates/test/test").glob("*.wav"))) == n_sources


@every_architecture
@pytest.mark.parametrize("time", [1, 7, 511, 512, 2049, 4097])
def test_the_output_is_as_long_as_the_input(architecture: str, time: int) -> None:
    y = built(architecture, 3, 2)(torch.from_numpy(noise(2, 2, time)).float())
    assert y.shape == (2, 3, 2, time)
    assert y.isfinite().all()


@every_architecture
def test_examples_of_a_batch_do_not_affect_each_other(architecture: str) -> None:
    model, x = built(architecture), torch.from_numpy(noise(3, 2, 3000)).float()
    with torch.no_grad():
        together, alone = model(x), torch.cat([model(item[None]) for item in x])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


@every_architecture
def test_the_output_for_silence_is_finite(architecture: str) -> None:
    assert built(architecture)(torch.zeros(1, 2, 2000)).isfinite().all()


@every_architecture
def test_parameters_and_flops_are_counted_at_full_size(architecture: str) -> None:
    for size, rate_hz, max_parameters in (("demo", RATE_HZ, 1.2e6), ("paper", 44_100, 1e9)):
        parameters, gflop = parameters_and_gflop(system_of(architecture, size), 4, 2, rate_hz)
        assert parameters < max_parameters
        assert gflop > 0.01


@every_architecture
def test_tones_are_predicted_only_with_upsampling_layers(architecture: str) -> None:
    music = noise(2, RATE_HZ).astype(np.float32)
    test_signals = signals.test_signals(1.5, RATE_HZ, 2, music)
    with torch.inference_mode():
        probe = probe_model(built(architecture), test_signals, RATE_HZ, chunk=2048)
    lines = probe.measures[probe.measures["measure"] == "line_level"]
    has_upsampler = system_of(architecture)["upsampler"] is not None
    assert (len(lines) > 0) == (len(probe.arrays["tones_hz"]) > 0) == has_upsampler
    if has_upsampler:
        assert RATE_HZ / 4 in lines["frequency_hz"].values
    assert {"offset_level", "flatness"} <= set(probe.measures["measure"])


@pytest.mark.parametrize("architecture", registry.ARCHITECTURES)
def test_a_missing_or_inapplicable_upsampler_is_an_input_error(architecture: str) -> None:
    has_upsampler = system_of(architecture, "paper")["upsampler"] is not None
    wrong = None if has_upsampler else {"name": "nearest", "length": 9}
    message = "needs an upsampling layer" if has_upsampler else "has no upsampling layers"
    with pytest.raises(InputError, match=f"^architecture '{architecture}' .*{message}"):
        build_model(architecture, {}, wrong, n_sources=1, audio_channels=1)


@every_architecture
def test_resumed_training_ends_with_the_same_weights(
    architecture: str,
    cache_song: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This covers random numbers drawn in training and statistics stored beside the weights."""
    song = str(cache_song("train", noise(2, 1, round(TWO_STEPS_SECONDS * RATE_HZ)), RATE_HZ))
    options = replace(TRAINING, epochs=2, weight_decay=0.01, checkpoint_minutes=1e-9)
    monkeypatch.setattr(checkpoint, "MAX_SAVING_SHARE", float("inf"))

    def trained(name: str) -> dict[str, torch.Tensor]:
        folder = tmp_path / name
        files = TrainingFiles(
            [song], [song],
            folder / "model.safetensors", folder / "training.csv", folder / "checkpoint.pt",
            folder / "snapshots",
        )  # fmt: skip
        train(system_of(architecture), options, 0, files)
        return load_file(folder / "model.safetensors")

    class Interrupted(Exception):
        pass

    step = Progress.step

    def fail_at_three(progress: Progress, note: str = "") -> None:
        step(progress, note)
        if progress.done == 3:
            raise Interrupted

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Progress, "step", fail_at_three)
        trained("interrupted")
    uninterrupted, resumed = trained("uninterrupted"), trained("interrupted")
    assert all(uninterrupted[key].equal(resumed[key]) for key in uninterrupted)
