"""The paper's stacks: shapes, rates, weights, tones and valleys."""

import numpy as np
import pytest
import torch
from upsampling_artifacts.artifacts.lines import measure_line
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.flops import parameter_count
from upsampling_artifacts.models.stacks import STACKS, WIDTH, build_stack, rates_hz
from upsampling_artifacts.registry import PAPER_UPSAMPLERS

SECONDS = 2
MARGIN = 200  # samples at each end that contain all boundary artifacts


def layer_outputs(name: str, signal: torch.Tensor, seed: int = 0) -> list[np.ndarray]:
    with torch.inference_mode():
        return [y[0].double().numpy() for y in build_stack(name, seed)(signal[None, None])]


def ones() -> torch.Tensor:
    return torch.ones(4000 * SECONDS)


def power_at(signal: np.ndarray, rate_hz: int, frequency_hz: float, width_hz: float) -> float:
    """Mean power density of the channels within ``width_hz`` on either side."""
    power = np.mean(np.abs(np.fft.rfft(signal * np.hanning(signal.shape[-1]))) ** 2, axis=0)
    distance = np.abs(np.fft.rfftfreq(signal.shape[-1], 1 / rate_hz) - frequency_hz)
    return float(np.mean(power[distance <= width_hz]))


@pytest.mark.parametrize("name", STACKS)
def test_each_layer_doubles_the_length(name: str) -> None:
    outputs = layer_outputs(name, torch.randn(50))
    channels = 1 if name.endswith("_alone") else WIDTH
    assert [y.shape for y in outputs] == [(channels, 100), (channels, 200), (channels, 400)]
    assert rates_hz() == [4000, 8000, 16000, 32000]


def test_the_number_of_layers_is_an_argument() -> None:
    outputs = build_stack("nearest", seed=0, layers=5)(torch.randn(2, 1, 8))
    assert [y.shape[-1] for y in outputs] == [16, 32, 64, 128, 256]
    assert rates_hz(1) == [4000, 8000]


def test_weights_depend_on_the_seed_and_the_global_state_stays() -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first, again, other = (build_stack("subpixel", seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    weights = [stack.layers[2].convolution.weight for stack in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_layers_have_no_biases_and_interpolations_alone_no_parameters() -> None:
    assert parameter_count(build_stack("nearest_alone", 0)) == 0
    assert parameter_count(build_stack("linear_alone", 0)) == 0
    assert parameter_count(build_stack("transposed_full", 0)) == 4 * (WIDTH + 2 * WIDTH**2)
    assert parameter_count(build_stack("subpixel", 0)) == 2 * 3 * (WIDTH + 2 * WIDTH**2)


def test_interpolations_alone_repeat_samples_or_join_them_by_lines() -> None:
    ramp = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert layer_outputs("nearest_alone", ramp)[0][0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    halfway = [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
    assert layer_outputs("linear_alone", ramp)[0][0].tolist() == halfway


def test_constant_weights_count_the_overlapping_copies() -> None:
    """1 copy of the filter (no overlap), 2 (full), or 2 1 2 1 (partial)."""
    signal = torch.ones(6)
    assert set(layer_outputs("transposed_none_constant", signal)[0][0]) == {1}
    assert set(layer_outputs("transposed_full_constant", signal)[0][0][1:-1]) == {2}
    partial = layer_outputs("transposed_partial_constant", signal)[0][0]
    assert partial[2:].tolist() == [2, 1] * 5
    deeper = layer_outputs("transposed_full_constant", torch.ones(40))[2]
    np.testing.assert_allclose(deeper[:, MARGIN:-MARGIN], 8, rtol=1e-6)


@pytest.mark.parametrize(
    "name, frequencies_hz",
    [
        ("subpixel", (4000, 8000, 12000, 16000)),
        ("transposed_full", (4000, 8000, 12000, 16000)),
        ("transposed_none", (4000, 8000, 12000, 16000)),
        ("transposed_partial_constant", (4000, 8000, 12000, 16000)),
        ("nearest", ()),
        ("linear", ()),
        ("subpixel_icnr", ()),
        ("transposed_full_constant", ()),
        ("transposed_none_constant", ()),
    ],
)
def test_ones_become_tones_at_the_papers_frequencies(name: str, frequencies_hz: tuple) -> None:
    steady = layer_outputs(name, ones())[2][:, MARGIN:-MARGIN]
    offset_db = 10 * np.log10(np.mean(steady.mean(axis=-1) ** 2))
    for frequency_hz in (4000, 8000, 12000, 16000):
        line = measure_line(steady, 32000, frequency_hz)
        level_db = line.level_db - offset_db
        assert level_db > -40 if frequency_hz in frequencies_hz else level_db < -100


def third_layer_of_noise(name: str) -> np.ndarray:
    noise = torch.randn(4000 * SECONDS, generator=torch.Generator().manual_seed(0))
    return layer_outputs(name, noise)[2]


@pytest.mark.parametrize("name", ["nearest_alone", "linear_alone"])
def test_noise_gets_valleys_at_the_papers_frequencies(name: str) -> None:
    output = third_layer_of_noise(name)
    for frequency_hz in (4000, 8000, 12000, 16000):
        beside = power_at(output, 32000, frequency_hz - 2000, 400)
        assert power_at(output, 32000, frequency_hz, 40) < beside / 100


def test_linear_attenuates_high_frequencies_more_than_nearest() -> None:
    def high_end_db(name: str) -> float:
        output = third_layer_of_noise(name)
        return 10 * np.log10(power_at(output, 32000, 6000, 100) / power_at(output, 32000, 500, 100))

    # Three nearest-neighbor layers x2 are one x8, whose response is a Dirichlet kernel.
    low, high = (np.sin(8 * w) / np.sin(w) for w in np.pi * np.array([500, 6000]) / 32000)
    assert high_end_db("nearest_alone") == pytest.approx(20 * np.log10(abs(high / low)), abs=1)
    assert high_end_db("linear_alone") < high_end_db("nearest_alone") - 10


def test_the_error_for_an_unknown_stack_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown stack 'cubic'; known: nearest, linear"):
        build_stack("cubic", 0)


def test_stacks_use_the_upsamplers_of_the_paper() -> None:
    """The fingerprints of their jobs cover exactly these (workflow/rules/probe.smk)."""
    assert {recipe.upsampler for recipe in STACKS.values()} == set(PAPER_UPSAMPLERS)
