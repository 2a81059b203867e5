"""The reconstruction of Sams-Net: its size, and what its attention relates."""

import pytest
import torch
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.models.sams_net import SamsNet, SlicedAttention

SMALL = {"n_fft": 128, "hop": 32, "widths": [4, 8], "slices": 4}


def build(**options: object) -> SamsNet:
    shape = {"n_sources": 3, "audio_channels": 2}
    return build_model("sams_net", SMALL | options, None, **shape, seed=0).eval()


def test_the_parameter_count_rounds_to_the_published_one() -> None:
    system = {"architecture": "sams_net", "options": {}, "upsampler": None}
    count = parameter_count(build_on_meta(system, n_sources=4, audio_channels=2))
    assert count == 3_676_344
    assert round(count / 1e6, 1) == 3.7


def test_frames_attend_in_one_half_of_the_slices_and_frequencies_in_the_other() -> None:
    torch.manual_seed(0)
    attention, x = SlicedAttention(4, slices=2), torch.randn(1, 4, 6, 5)
    q, k, v = attention.project(x).reshape(3, 2, 2, 6, 5)  # slices of two channels
    frames = [part[0].reshape(12, 5).T for part in (q, k, v)]
    over_time = torch.softmax(frames[0] @ frames[1].T / 12**0.5, -1) @ frames[2]
    bins = [part[1].transpose(1, 2).reshape(10, 6).T for part in (q, k, v)]
    over_frequency = torch.softmax(bins[0] @ bins[1].T / 10**0.5, -1) @ bins[2]
    expected = torch.cat(
        [over_time.T.reshape(2, 6, 5), over_frequency.T.reshape(2, 5, 6).transpose(1, 2)]
    )
    torch.testing.assert_close(attention(x), attention.merge(expected[None]))


def test_each_estimate_has_less_energy_than_the_mixture_in_every_channel() -> None:
    model, mixture = build(), torch.randn(2, 2, 500)
    window = torch.hann_window(128)

    def magnitude(x: torch.Tensor) -> torch.Tensor:
        flat = torch.stft(x.reshape(-1, 500), 128, 32, window=window, return_complex=True)
        return flat.abs().reshape(*x.shape[:-1], *flat.shape[-2:])

    with torch.no_grad():
        estimates = model(mixture)
    energy = magnitude(estimates).square().mean((-2, -1))
    assert (energy < magnitude(mixture).square().mean((-2, -1))[:, None]).all()
    assert not model(torch.zeros(1, 2, 300)).any()


def test_every_weight_learns() -> None:
    model = build()
    model(torch.randn(2, 2, 700)).square().sum().backward()
    learnable = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.any() for p in learnable)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_fft": 100}, "n_fft: 100 is not a multiple of 32, which 2 levels need"),
        ({"slices": 3}, "slices: 3 is not an even number that divides 4 channels"),
        ({"widths": [4, 6]}, "slices: 4 is not an even number that divides 6 channels"),
    ],
)
def test_sizes_that_do_not_divide_are_an_input_error(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(**options)
