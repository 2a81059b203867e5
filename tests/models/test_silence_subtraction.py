"""A network minus its response to silence: exact in silence, the same weights, no other change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from upsampling_artifacts.models.overlap_add import overlap_add
from upsampling_artifacts.models.saved import (
    build_described,
    load_model,
    read_about,
    save_model,
    save_without_silence,
)
from upsampling_artifacts.models.silence_subtraction import SilenceSubtraction

UPSAMPLERS = [
    {"name": "transposed", "length": 8},
    {"name": "subpixel", "length": 3},
    {"name": "nearest", "length": 9},
]


def described(upsampler: dict) -> dict:
    return {
        "architecture": "demucs",
        "options": {"channels": 8, "depth": 3},
        "upsampler": upsampler,
        "sources": ["drums", "bass"],
        "audio_channels": 2,
        "rate_hz": 8000,
        "segment_seconds": 0.5,
        "seed": 0,
    }


@pytest.fixture(params=UPSAMPLERS, ids=lambda upsampler: upsampler["name"])
def paths(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A model file, and the one derived from it."""
    trained, derived = tmp_path / "trained.safetensors", tmp_path / "derived.safetensors"
    about = described(request.param)
    save_model(trained, build_described(about).state_dict(), about)
    save_without_silence(derived, trained)
    return trained, derived


@pytest.mark.parametrize("batch", [1, 3, 8])
@torch.no_grad()
def test_silence_in_gives_exactly_zero_out(paths: tuple[Path, Path], batch: int) -> None:
    trained, derived = (load_model(path)[0] for path in paths)
    silence = torch.zeros(batch, 2, 4000)
    assert trained(silence).abs().max() > 1e-3  # biases: it does not answer silence with silence
    assert not derived(silence).any()


@torch.no_grad()
def test_the_output_is_that_of_the_network_minus_its_response(paths: tuple[Path, Path]) -> None:
    trained, derived = (load_model(path)[0] for path in paths)
    mixture = torch.randn(3, 2, 4000)
    expected = trained(mixture) - trained(torch.zeros(1, 2, 4000))
    torch.testing.assert_close(derived(mixture), expected, atol=1e-6, rtol=1e-5)


def test_the_weights_stay_and_the_header_says_what_is_done(paths: tuple[Path, Path]) -> None:
    trained, derived = paths
    assert read_about(derived) == {**read_about(trained), "subtract_silence": True}
    before, after = (load_model(path)[0] for path in paths)
    assert isinstance(after, SilenceSubtraction)
    weights = after.model.state_dict()
    assert weights.keys() == before.state_dict().keys()
    assert all(torch.equal(weights[key], weight) for key, weight in before.state_dict().items())


def test_separation_in_chunks_needs_to_know_nothing(paths: tuple[Path, Path]) -> None:
    derived, _ = load_model(paths[1])
    estimates = overlap_add(derived, torch.zeros(2, 9000), chunk=4000)
    assert estimates.shape == (2, 2, 9000)
    assert not estimates.any()
