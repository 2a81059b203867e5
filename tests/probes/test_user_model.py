"""User-supplied models are imported, built and run, and refused in one line on bad output."""

import logging
import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.user_model import (
    CheckedModel,
    evaluation_mode,
    load_user_model,
    output_ratio,
)

from .. import toy_models
from ..toy_models import Doubler, Filter, Returns, Upsampler, Vocoder

TOYS = "tests.toy_models"


def refusal(function, *arguments) -> str:
    """The message of the InputError that a call raises."""
    with pytest.raises(InputError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def load(target, options=(), seed: int = 0):
    return load_user_model(target, dict(options), seed)


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


def shape(function, *, channels: int = 1, time: int = 50) -> tuple[int, ...]:
    """Shape of the checked output for an input ``(1, channels, time)``."""
    return tuple(CheckedModel(Returns(function), "toy")(torch.ones(1, channels, time)).shape)


def test_all_axes_between_batch_and_time_become_channels() -> None:
    assert shape(lambda x: x) == (1, 1, 50)
    assert shape(lambda x: x[:, 0]) == (1, 1, 50)
    assert shape(lambda x: x[:, None].repeat(1, 4, 1, 1), channels=2) == (1, 8, 50)


@pytest.mark.parametrize("many", [list, tuple, lambda parts: dict(zip("abc", parts, strict=False))])
def test_of_several_outputs_the_longest_ones_are_concatenated(many) -> None:
    def model(x):
        return many(
            [
                x,
                x.repeat(1, 2, 1),
                x[..., :10],
            ][:3]
        )

    assert shape(model) == (1, 3, 50)


def test_dropped_outputs_are_logged_once(caplog) -> None:
    model = CheckedModel(Returns(lambda x: {"audio": x, "loss": x.mean(), "codes": None}), "toy")
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            assert model(torch.ones(1, 1, 50)).shape == (1, 1, 50)
    assert sorted(record.message for record in caplog.records) == [
        "toy: output 'codes' is not audio; dropped",
        "toy: output 'loss' is not audio; dropped",
    ]


def fail(x):
    raise RuntimeError("expected 2 channels,\n   but got 1")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, "toy: with an input (batch, channels, time) of shape (1, 1, 50), the model raised "
         "RuntimeError: expected 2 channels, but got 1"),
        (lambda x: x.mean(), "toy: its output has shape (); "
         "(batch, ..., time) with a batch of 1 is needed"),
        (lambda x: x[0, 0], "toy: its output has shape (50,); "
         "(batch, ..., time) with a batch of 1 is needed"),
        (lambda x: x[0].T, "toy: its output has shape (50, 1); "
         "(batch, ..., time) with a batch of 1 is needed"),
        (lambda x: x[..., :0], "toy: its output, of shape (1, 1, 0), is empty"),
        (lambda x: x[:, :0], "toy: its output, of shape (1, 0, 50), is empty"),
        (torch.fft.fft, "toy: its output is complex (complex64); "
         "return waveforms, not spectra"),
        (lambda x: x.long(), "toy: its output is int64; "
         "return floating-point waveforms"),
        (lambda x: x / 0 - x / 0, "toy: its output, of shape (1, 1, 50), contains NaN"),
        (lambda x: x / 0, "toy: its output, of shape (1, 1, 50), contains infinite values"),
        (lambda x: "sound", "toy: its output is of type str; "
         "return a tensor, or a dict, tuple or list of tensors"),
        (lambda x: (x.mean(), None), "toy: its tuple contains no tensor (batch, ..., time)"),
        (lambda x: {}, "toy: its dict contains no tensor (batch, ..., time)"),
    ],
)  # fmt: skip
def test_an_output_that_is_not_audio_is_refused_in_one_line(function, message: str) -> None:
    assert refusal(shape, function) == message


def test_one_bad_output_of_several_is_refused() -> None:
    assert "contains NaN" in refusal(shape, lambda x: (x, x * torch.nan))


def test_the_input_has_the_precision_of_the_weights() -> None:
    model = CheckedModel(Upsampler().double(), "toy")
    assert model(torch.ones(1, 1, 64)).dtype == torch.float32


def test_modules_keep_their_names_inside_the_wrapper() -> None:
    assert [name for name, _ in CheckedModel(Upsampler(), "toy").named_modules()] == [
        "", "down", "up",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "input_kind", "channels", "ratio"),
    [
        (Filter(), "audio", 1, 1),
        (Doubler(), "audio", 1, 2),
        (Vocoder(), "features", 20, 64),
        (Returns(lambda x: x[..., 1500:-1500]), "audio", 1, 1),  # no padding
        (
            Returns(lambda x: x[..., : x.shape[-1] // 600 * 600]),
            "audio",
            1,
            1,
        ),  # trimmed to whole frames
        (Returns(partial(interpolate, scale_factor=441 / 160)), "audio", 1, 441 / 160),
    ],
)
def test_the_ratio_of_output_to_input_rate_is_measured(model, input_kind, channels, ratio) -> None:
    checked = CheckedModel(model, "toy", input_kind)
    assert output_ratio(checked, channels) == pytest.approx(ratio, rel=1e-4)


@pytest.mark.parametrize(
    ("function", "input_kind", "message"),
    [
        (lambda x: x[:, :, :10], "audio", "10 and 10 values for inputs of 16384 and 32768 samples"),
        (
            lambda x: x[:, :, ::320],
            "audio",
            "52 and 103 values for inputs of 16384 and 32768 samples",
        ),
        (lambda x: x, "features", "32 and 64 values for inputs of 32 and 64 frames"),
    ],
)
def test_scores_codes_and_features_are_refused(function, input_kind, message) -> None:
    model = CheckedModel(Returns(function), "toy", input_kind)
    refused = refusal(output_ratio, model, 1)
    assert refused.startswith("toy: its output is not audio: its last axis has ")
    assert message in refused


def test_the_error_for_a_wrong_channel_count_suggests_the_right_one() -> None:
    stereo = CheckedModel(Upsampler(channels=2), "toy")
    refused = refusal(output_ratio, stereo, 1)
    assert refused.startswith("toy: with an input (batch, channels, time) of shape (1, 1, 16384), ")
    assert refused.endswith("; use channels=2")
    assert refusal(output_ratio, CheckedModel(Upsampler(), "toy"), 3).endswith("; use channels=1")


def test_the_error_for_a_wrong_number_of_bins_suggests_none() -> None:
    refused = refusal(output_ratio, CheckedModel(Vocoder(20), "toy", "features"), 80)
    assert re.search(r"\(batch, bins, frames\) of shape \(1, 80, 32\), the model raised", refused)
    assert "use channels" not in refused


def test_a_bad_output_suggests_no_channel_count() -> None:
    assert "use channels" not in refusal(
        output_ratio, CheckedModel(Returns(torch.fft.fft), "toy"), 1
    )


def test_evaluation_mode_restores_the_mode_of_every_module() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(1))
    model[1].eval()
    with evaluation_mode(CheckedModel(model, "toy")):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == [True, True, False]
