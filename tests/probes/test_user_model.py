"""The output of a user-supplied model is checked, and refused in one line if it is not audio."""

import pytest
import torch
from torch import nn
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.user_model import CheckedModel, evaluation_mode

from ..toy_models import Returns, Upsampler


def refusal(function, *arguments) -> str:
    """The message of the InputError that a call raises."""
    with pytest.raises(InputError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


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


def test_dropped_outputs_are_named() -> None:
    model = CheckedModel(Returns(lambda x: {"audio": x, "loss": x.mean(), "codes": None}), "toy")
    assert model(torch.ones(1, 1, 50)).shape == (1, 1, 50)
    assert model.dropped == {"codes", "loss"}


def fail(x):
    raise RuntimeError("expected 2 channels,\n   but got 1")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, "toy: with an input (batch, channels, time) of shape (1, 1, 50), the model raised "
         "RuntimeError: expected 2 channels, but got 1"),
        (lambda x: x.mean(), "toy: its output has shape (); "
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


def test_evaluation_mode_restores_the_mode_of_every_module() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(1))
    model[1].eval()
    with evaluation_mode(CheckedModel(model, "toy")):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == [True, True, False]
