"""Model files: weights and description are saved and loaded unchanged."""

import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from upsampling_artifacts.models.saved import build_described, load_model, read_about, save_model

ABOUT = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2, "bias": False},
    "upsampler": {"name": "subpixel", "length": 3},
    "sources": ["drums", "völkl"],
    "audio_channels": 1,
    "rate_hz": 8000,
    "seed": 7,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "model.safetensors"


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_the_users_umask_decides_who_can_read_a_model(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        save_model(path, {"weight": torch.ones(1)}, ABOUT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_weights_and_description_are_loaded_exactly(path: Path) -> None:
    model = build_described(ABOUT)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter))
    save_model(path, model.state_dict(), ABOUT)
    loaded, about = load_model(path)
    assert about == read_about(path) == ABOUT
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for key, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], weight)
    x = torch.randn(1, 1, 40)
    assert torch.equal(loaded(x), model.eval()(x))


def test_the_description_is_read_without_building_a_model(path: Path) -> None:
    save_model(path, {"weight": torch.zeros(3)}, ABOUT)
    assert read_about(path) == ABOUT
    with safe_open(path, framework="pt") as file:
        assert list(file.keys()) == ["weight"]


def test_a_description_determines_the_initial_weights() -> None:
    first, again = build_described(ABOUT).state_dict(), build_described(ABOUT).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    other = build_described(ABOUT | {"seed": 8}).state_dict()
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_weights_that_do_not_fit_the_description_are_an_error(path: Path) -> None:
    save_model(path, build_described(ABOUT).state_dict(), ABOUT | {"audio_channels": 2})
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_model(path)
