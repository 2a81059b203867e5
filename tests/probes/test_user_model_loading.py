"""User-supplied models are imported, built from config objects, or read from files."""

import pytest
import torch
from torch import nn
from upsampling_artifacts.probes.user_model_loading import load_user_model

from .. import toy_models
from ..toy_models import Filter
from .test_user_model import refusal

TOYS = "tests.toy_models"


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
