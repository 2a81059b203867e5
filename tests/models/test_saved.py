"""Model files: weights and description are saved and loaded unchanged."""

import json
import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models import saved as saved_module
from upsampling_artifacts.models.saved import build_described, load_model, read_about, save_model

from ..damage import assert_damage_is_refused

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
    with pytest.raises(InputError, match=r"do not fit the description .*size mismatch"):
        load_model(path)


def saved(folder: Path, run: str) -> Path:
    path = folder / run / "model.safetensors"
    save_model(path, build_described(ABOUT).state_dict(), ABOUT)
    return path


def test_every_flipped_byte_and_every_cut_is_refused_in_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path, "one")
    assert_damage_is_refused(path, load_model, path)


def test_a_model_in_the_folder_of_another_run_is_refused_with_both_names(tmp_path: Path) -> None:
    for run, other in (
        ("nearest/seed-0", "linear/seed-0"),
        ("nearest/seed-0", "nearest/seed-1"),
        ("nearest/seed-0/snapshots", "linear/seed-0/snapshots"),
    ):
        path, place = saved(tmp_path, run), saved(tmp_path, other)
        path.replace(place)
        for read in (load_model, read_about):
            names = [name.replace("/seed-", ", seed ").removesuffix("/snapshots") for name in
                     (run, other)]  # fmt: skip
            with pytest.raises(InputError, match=f"is of {names[0]}, but .* of {names[1]};"):
                read(place)


def test_a_model_may_move_with_its_run_and_out_of_it(tmp_path: Path) -> None:
    path = saved(tmp_path, "nearest/seed-0")
    for place in ("elsewhere/nearest/seed-0", "other"):
        (tmp_path / place).mkdir(parents=True)
        path = path.replace(tmp_path / place / "mine.safetensors")
        load_model(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_written_nor_loaded(
    path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    weights = build_described(ABOUT).state_dict()
    name = list(weights)[-1]
    weights[name].view(-1)[0] = value
    message = f"weights of '{name}' are infinite or not a number"
    with pytest.raises(InputError, match=message):
        save_model(path, weights, ABOUT)
    assert not path.exists()
    with monkeypatch.context() as patch:
        patch.setattr(saved_module, "_check_finite", lambda *_: None)
        save_model(path, weights, ABOUT)
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_a_file_of_an_earlier_version_is_refused(path: Path) -> None:
    path.parent.mkdir()
    save_file({"weight": torch.zeros(3)}, path, {"about": json.dumps(ABOUT)})
    with pytest.raises(InputError, match="not a model file of this version"):
        load_model(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="not a model file of this version"):
        read_about(path)
