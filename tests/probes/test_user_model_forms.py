"""The form in which a user-supplied model runs is found by trial."""

import re
from functools import partial

import pytest
import torch
from torch.nn.functional import interpolate
from upsampling_artifacts.probes.user_model import CheckedModel
from upsampling_artifacts.probes.user_model_forms import find_form

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
    assert refused.startswith("toy: with an input (batch, channels, time) of shape (1, 1, 16384), ")
    assert refused.endswith("; use channels=2")
    assert refusal(find_form, CheckedModel(Upsampler(), "toy"), 3).endswith("; use channels=1")


def test_the_error_for_a_wrong_number_of_bins_suggests_the_right_one() -> None:
    refused = refusal(find_form, CheckedModel(Vocoder(20), "toy", "features"), 80)
    assert re.search(r"\(batch, bins, frames\) of shape \(1, 80, 32\), the model raised", refused)
    assert refused.endswith("; use channels=20")


def test_a_bad_output_suggests_no_channel_count() -> None:
    assert "use channels" not in refusal(find_form, CheckedModel(Returns(torch.fft.fft), "toy"), 1)
