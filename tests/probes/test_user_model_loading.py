"""User-supplied models are imported, built from config objects, or read from files."""

from pathlib import Path

import pytest
import torch
from torch import nn
from upsampling_artifacts.api import probe
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.probes.user_model_loading import load_user_model, target_name

from .. import toy_models
from ..toy_forms import ToyConfig
from ..toy_models import Filter, Upsampler
from .test_user_model import refusal

TOYS = "tests.toy_models"
FORMS = "tests.toy_forms"


def load(target, options=(), seed: int = 0):
    return load_user_model(target, dict(options), seed).module


def test_a_module_and_the_import_path_of_a_module_are_used_as_they_are() -> None:
    model = Filter()
    assert load(model) is model
    assert load(f"{TOYS}:A_MODEL") is toy_models.A_MODEL


def test_a_factory_is_called_with_the_options() -> None:
    assert load(f"{TOYS}:Upsampler", {"stride": 8}).up.stride == (8,)
    assert isinstance(load("torch.nn:Identity"), nn.Identity)


def test_a_seed_reproduces_the_weights() -> None:
    weights = [load(f"{TOYS}:Filter", seed=seed).filter.weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere.at_all:Model", "module 'nowhere.at_all' cannot be imported "
         "(ModuleNotFoundError: No module named 'nowhere'); install it"),
        (f"{TOYS}:Upsamler", "has no 'Upsamler'; did you mean 'Upsampler'?"),
        (f"{TOYS}:A_NUMBER", "is of type int; give a class or function that returns "
         "a torch.nn.Module"),
        (f"{TOYS}:not_a_module", "returned an object of type dict; a torch.nn.Module is needed"),
    ],
)  # fmt: skip
def test_a_wrong_import_path_is_refused(target: str, message: str) -> None:
    refused = refusal(load, target)
    assert refused.startswith(f"{target}: ")
    assert message in refused


def test_the_error_of_a_factory_is_reported_with_its_options() -> None:
    refused = refusal(load, f"{TOYS}:Upsampler", {"strides": 8})
    assert "called with (strides=8), the factory raised TypeError: " in refused
    assert "unexpected keyword argument 'strides'" in refused


def test_a_required_config_object_is_built_from_its_defaults(caplog) -> None:
    caplog.set_level("INFO")
    assert load(f"{FORMS}:Configured").up.stride == (4,)
    assert load(f"{FORMS}:Unannotated").up.stride == (4,)
    assert load(f"{FORMS}:Configured", {"stride": 8}).up.stride == (8,)
    assert load(f"{FORMS}:NeedsStrict", {"stride": 2}).up.stride == (2,)
    config = f"{FORMS}:Configured: 'config' is a ToyConfig with default values"
    assert [caplog.messages[index] for index in (0, 2)] == [config, f"{config}, except stride=8"]


def test_a_config_given_as_an_option_is_kept() -> None:
    assert load(f"{FORMS}:Configured", {"config": ToyConfig(stride=2)}).up.stride == (2,)


def test_compiled_models_are_unwrapped() -> None:
    assert isinstance(load(f"{FORMS}:compiled"), Upsampler)
    assert target_name(torch.compile(Upsampler())) == "Upsampler"


def test_weights_make_a_model_trained(tmp_path: Path) -> None:
    torch.save(Upsampler().state_dict(), tmp_path / "weights.pt")
    target = f"{TOYS}:Upsampler"
    assert load_user_model(target, {}, 0, tmp_path / "weights.pt").is_trained
    assert not load_user_model(target, {}, 0).is_trained


def test_a_trained_model_of_the_pipeline_names_its_rate_and_channels(tmp_path: Path) -> None:
    about = {
        "architecture": "demucs", "options": {"channels": 4, "depth": 2},
        "upsampler": {"name": "transposed"}, "sources": ["drums", "rest"], "audio_channels": 2,
        "seed": 0, "rate_hz": 8000,
    }  # fmt: skip
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    loaded = load_user_model(path, {}, 0)
    assert (loaded.rate_hz, loaded.channels, loaded.is_trained) == (8000, 2, True)
    result = probe(path, seconds=1.5)
    assert (result.rate_hz, set(result.measures["stage"])) == (8000, {"trained"})


@pytest.mark.parametrize("name", ["scripted", "traced", "exported"])
def test_black_boxes_are_probed_without_layers(name: str) -> None:
    result = probe(f"{FORMS}:{name}", rate_hz=8000, seconds=1.5)
    assert result.layers.empty
    left_out = [finding for finding in result.findings if finding.kind == "left_out"]
    assert left_out[0].sentence.startswith("Not measured: layers (TorchScript and exported ")
    found = result.measures.query("measure == 'found_line_level' and signal == 'silence'")
    assert 2000 in found["frequency_hz"].round().tolist()


def test_a_model_with_a_scripted_part_is_traced_beside_it() -> None:
    result = probe(f"{FORMS}:partly_scripted", rate_hz=8000, seconds=1.5)
    assert result.layers["name"].tolist() == ["0.down", "0.up"]
    [reasons] = [f.values["reasons"] for f in result.findings if f.kind == "left_out"]
    assert "black boxes" in reasons["layers inside 1"]


@pytest.mark.parametrize("name", ["compiled", "compiled_in_place"])
def test_compiled_models_run_uncompiled_and_are_traced(name: str) -> None:
    result = probe(f"{FORMS}:{name}", rate_hz=8000, seconds=1.5)
    assert result.layers["name"].tolist() == ["down", "up"]


def test_a_side_measure_that_cannot_run_is_left_out_and_said() -> None:
    result = probe(f"{FORMS}:NoThird", rate_hz=8000, seconds=1.5)
    [reasons] = [f.values["reasons"] for f in result.findings if f.kind == "left_out"]
    assert "4000 samples are too short" in reasons["boundary artifacts"]
    assert "boundary_start" not in set(result.measures["measure"])
