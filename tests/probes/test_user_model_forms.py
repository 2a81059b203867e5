"""The form in which a user-supplied model runs is found by trial."""

import math
from functools import partial

import pytest
import torch
from torch.nn.functional import interpolate
from upsampling_artifacts.probes.user_model import CheckedModel
from upsampling_artifacts.probes.user_model_forms import (
    find_form,
    input_share_db,
    whole_lengths,
)

from .. import toy_forms
from ..toy_models import Doubler, Filter, Returns, Upsampler, Vocoder
from .test_user_model import refusal


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
    assert find_form(checked, channels).ratio == pytest.approx(ratio, rel=1e-4)


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
    refused = refusal(find_form, model, 1)
    assert refused.startswith("toy: its output is not audio: its last axis has ")
    assert message in refused


def test_the_error_for_a_wrong_channel_count_suggests_the_right_one() -> None:
    stereo = CheckedModel(Upsampler(channels=2), "toy")
    refused = refusal(find_form, stereo, 1)
    assert refused.startswith("toy: takes 2 channels, not 1; use channels=2 (RuntimeError: ")
    assert refusal(find_form, CheckedModel(Upsampler(), "toy"), 3).startswith(
        "toy: takes 1 channel, not 3; use channels=1 (RuntimeError: Given groups=1, "
    )


def test_the_error_for_a_wrong_number_of_bins_suggests_the_right_one() -> None:
    refused = refusal(find_form, CheckedModel(Vocoder(20), "toy", "features"), 80)
    assert refused.startswith("toy: takes 20 bins, not 80; use channels=20 (RuntimeError: Given ")


def test_a_bad_output_suggests_no_channel_count() -> None:
    assert "use channels" not in refusal(find_form, CheckedModel(Returns(torch.fft.fft), "toy"), 1)


@pytest.mark.parametrize(
    ("model", "input_kind", "message"),
    [
        (Upsampler(), "audio", None),
        (toy_forms.BatchTime(), "audio", "input (batch, time)"),
        (toy_forms.OneDimension(), "audio", "input (time,)"),
        (toy_forms.TimeLast(2), "audio",
         "input (batch, time, channels) with 2 channels, output (batch, time, channels)"),
        (toy_forms.wide(6), "audio", "input (batch, channels, time) with 6 channels"),
        (toy_forms.FramesBins(20), "features", "input (batch, frames, bins) with 20 bins"),
        (Vocoder(20), "features", "input (batch, bins, frames) with 20 bins"),
        (toy_forms.Outputs("last"), "audio",
         "input (batch, channels, time) with 1 channel, output (batch, time, channels)"),
        (toy_forms.Outputs("flat"), "audio", None),
        *(
            (toy_forms.Frames(size), "audio",
             f"input (batch, channels, time) with 1 channel, its length a multiple of {size}")
            for size in (8, 320, 441, 1024, 1920, 12_000)
        ),
    ],
)  # fmt: skip
def test_the_form_that_runs_is_found_and_named(model, input_kind, message, caplog) -> None:
    caplog.set_level("INFO")
    form = find_form(CheckedModel(model, "toy", input_kind))
    assert caplog.messages == ([f"toy: {message}"] if message else [])
    assert form.whole(form.length + 1) % form.multiple == 0


def test_lengths_are_rounded_up_to_what_the_model_takes() -> None:
    form = find_form(CheckedModel(toy_forms.Frames(1024), "toy"))
    assert [form.whole(length) for length in (1, 1024, 10_920)] == [1024, 1024, 11 * 1024]


@pytest.mark.parametrize("factor", [1, 4, 7, 320])
def test_whole_lengths_suit_the_model_and_its_strides(factor: int) -> None:
    form = find_form(CheckedModel(toy_forms.Frames(96), "toy"))
    first, second = whole_lengths(form, factor)
    assert second == 2 * first
    assert first % 96 == first % factor == 0


def test_an_exported_program_may_have_a_single_length() -> None:
    program = toy_forms.exported_program(dynamic=False, length=16_000)
    model = CheckedModel(program.module(), "toy")
    form = find_form(model, example_length=16_000)
    assert (form.is_fixed, form.length, form.ratio, form.whole(99)) == (True, 16_000, 1, 16_000)
    assert whole_lengths(form) == (16_000, 16_000)


@pytest.mark.parametrize(
    ("function", "expected_db"),
    [
        (lambda x: x, 0.0),
        (torch.ones_like, -math.inf),
        (torch.randn_like, -math.inf),  # the same numbers in both runs
        (lambda x: torch.randn_like(x) + 0.1 * x + 5, -20.04),  # 0.01 of 1.01
    ],
)
def test_the_share_of_the_output_that_depends_on_the_input(function, expected_db: float) -> None:
    model = CheckedModel(Returns(function), "toy")
    assert input_share_db(model, find_form(model)) == pytest.approx(expected_db, abs=0.1)


def test_of_a_long_message_only_the_first_line_follows_ours() -> None:
    def picky(x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] != 2:
            raise RuntimeError("two channels, please\n" + "a long story\n" * 20)
        return x

    refused = refusal(find_form, CheckedModel(Returns(picky), "toy"), 3)
    assert refused == (
        "toy: takes 2 channels, not 3; use channels=2 (RuntimeError: two channels, please)"
    )
