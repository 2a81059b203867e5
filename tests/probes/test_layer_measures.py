"""Measures of the layers inside a model, on layers with known weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from upsampling_artifacts.artifacts.spectral_images import replica_level_db
from upsampling_artifacts.probes.layer_measures import MAX_CHANNELS, MIN_SAMPLES, LayerMeasures
from upsampling_artifacts.probes.layer_tracer import Layer, trace_layers

UP = Layer("up", "transposed", 2, "up")
DOWN = Layer("down", "convolution", 2, "down")


def transposed(weight: list, bias: list | None = None) -> nn.ConvTranspose1d:
    """A layer of stride 2 from one channel; ``weight`` is ``(channels, time)``."""
    weight = torch.tensor(weight)[None]
    layer = nn.ConvTranspose1d(1, weight.shape[1], weight.shape[2], 2, bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def measured(model: nn.Module, x: Tensor, signals: tuple[str, ...] = ("ones",)) -> LayerMeasures:
    measures = LayerMeasures(list(signals))
    with torch.inference_mode(), trace_layers(model, measures):
        model(x)
    return measures


def values(measures: LayerMeasures, signal: str = "ones") -> dict[str, float]:
    rows = measures.rows(signal)
    assert {layer for layer, *_ in rows} <= set(measures.layers)
    assert all(np.isnan(frequency_hz) and unit == "dB" for *_, frequency_hz, _, unit in rows)
    return {measure: value for _, measure, _, value, _ in rows}


def ones(time: int = 1000, batch: int = 1) -> Tensor:
    return torch.ones(batch, 1, time)


def test_a_dc_offset_becomes_the_tone_that_the_weights_predict() -> None:
    """Alternating 3 and 1: mean 2, variance 1, mean square 5."""
    found = values(measured(transposed([[3.0, 1.0]]), ones()))
    assert found["offset_level"] == pytest.approx(10 * np.log10(4))
    assert found["offset_replica_level"] == pytest.approx(10 * np.log10(1 / 4))
    assert found["polyphase_mean_spread"] == pytest.approx(10 * np.log10(1 / 5))
    assert found["polyphase_power_spread"] == pytest.approx(10 * np.log10(9))


def test_a_bias_is_a_dc_offset_without_a_tone() -> None:
    """Fed silence, the weights 3 and 1 have no effect: the output is 0.5 everywhere."""
    found = values(measured(transposed([[3.0, 1.0]], [0.5]), 0 * ones()))
    assert found["offset_level"] == pytest.approx(20 * np.log10(0.5))
    assert found["offset_replica_level"] == found["polyphase_mean_spread"] == -np.inf
    assert found["polyphase_power_spread"] == 0


def test_a_layer_without_a_bias_keeps_silence_silent() -> None:
    found = values(measured(transposed([[3.0, 1.0]]), 0 * ones()))
    assert found.pop("offset_level") == -np.inf
    assert set(found) == {
        "offset_replica_level", "polyphase_mean_spread", "polyphase_power_spread", "replica_level",
    }  # fmt: skip
    assert np.isnan(list(found.values())).all()


def test_powers_are_averaged_over_channels_and_signs_do_not_cancel() -> None:
    """Offsets 2, -2 and 1: mean square 3. Variances 1, 1 and 0. Mean squares 5, 5 and 1."""
    found = values(measured(transposed([[3.0, 1.0], [-3.0, -1.0], [1.0, 1.0]]), ones()))
    assert found["offset_level"] == pytest.approx(10 * np.log10(3))
    assert found["offset_replica_level"] == pytest.approx(10 * np.log10(2 / 9))
    assert found["polyphase_mean_spread"] == pytest.approx(10 * np.log10(2 / 11))
    assert found["polyphase_power_spread"] == pytest.approx(10 * np.log10(19 / 3))


def test_nearest_neighbor_interpolation_turns_a_dc_offset_into_no_tone() -> None:
    found = values(measured(nn.Upsample(scale_factor=3), 0.1 * ones()))
    assert found["offset_level"] == pytest.approx(-20, abs=1e-5)
    assert found["offset_replica_level"] < -250


def test_the_spectral_image_level_is_that_of_the_layers_output() -> None:
    x = torch.randn(1, 3, 4000, generator=torch.Generator().manual_seed(0))
    found = values(measured(nn.Upsample(scale_factor=2), x))
    expected = replica_level_db(x[0].numpy().repeat(2, axis=1), 1.0, 2)
    assert found["replica_level"] == pytest.approx(expected)
    assert -10 < expected < -3


def test_a_subset_of_many_channels_suffices_for_the_spectral_image_level() -> None:
    x = torch.randn(1, 2 * MAX_CHANNELS + 1, 1000, generator=torch.Generator().manual_seed(0))
    found = values(measured(nn.Upsample(scale_factor=2), x))
    everything = replica_level_db(x[0].numpy().repeat(2, axis=1), 1.0, 2)
    assert found["replica_level"] == pytest.approx(everything, abs=0.2)


@pytest.mark.parametrize(("time", "has_spectrum"), [(MIN_SAMPLES, True), (MIN_SAMPLES - 1, False)])
def test_a_layer_with_too_few_samples_has_no_spectrum(time: int, has_spectrum: bool) -> None:
    found = values(measured(nn.Upsample(scale_factor=2), ones(time)))
    assert ("replica_level" in found) is has_spectrum
    assert found["offset_level"] == 0


def test_a_downsampling_layer_has_a_dc_offset_only() -> None:
    layer = nn.Conv1d(1, 1, 2, 2, bias=False)
    layer.weight.data = torch.tensor([[[0.25, 0.25]]])
    measures = measured(layer, ones())
    assert list(measures.layers.values()) == [Layer("convolution", "convolution", 2, "down")]
    assert values(measures) == {"offset_level": pytest.approx(20 * np.log10(0.5))}


def test_each_signal_of_a_batch_has_its_own_measures() -> None:
    x = torch.cat([ones(), 0 * ones(), 10 * ones()])
    measures = measured(transposed([[3.0, 1.0]]), x, ("ones", "silence", "loud"))
    assert values(measures, "ones")["offset_level"] == pytest.approx(10 * np.log10(4))
    assert values(measures, "silence")["offset_level"] == -np.inf
    assert values(measures, "loud")["offset_level"] == pytest.approx(20 + 10 * np.log10(4))


def test_a_single_signal_takes_all_items_of_its_batches() -> None:
    """As chunks: offsets of 2 and 6, mean square 20."""
    found = values(measured(transposed([[3.0, 1.0]]), torch.cat([ones(), 3 * ones()])))
    assert found["offset_level"] == pytest.approx(10 * np.log10(20))


def test_a_layer_is_measured_over_all_its_runs() -> None:
    measures, layer = LayerMeasures(["ones"]), transposed([[3.0, 1.0]])
    with torch.inference_mode(), trace_layers(layer, measures):
        layer(ones())
        layer(3 * ones(500))
    assert len(measures.layers) == 1
    found = values(measures)
    assert found["offset_level"] == pytest.approx(10 * np.log10(20))
    assert found["offset_replica_level"] == pytest.approx(10 * np.log10(1 / 4))


def test_layers_keep_the_order_in_which_they_first_ran() -> None:
    measures = LayerMeasures(["ones"])
    for layer in (UP, DOWN, UP):
        measures(layer, ones(), ones())
    assert list(measures.layers) == ["up", "down"]
    assert [layer for layer, measure, *_ in measures.rows("ones") if measure == "offset_level"] == [
        "up", "down",
    ]  # fmt: skip


def test_an_output_that_belongs_to_no_signal_is_listed_but_not_measured() -> None:
    """Batches of another size, complex spectra and too few samples."""
    measures = LayerMeasures(["ones", "noise"])
    measures(UP, ones(batch=6), ones(batch=6))
    measures(DOWN, ones(batch=2), torch.ones(2, 1, 8, dtype=torch.complex64))
    measures(Layer("empty", "fold", 4, "up"), ones(batch=2), torch.ones(2, 1, 3))
    assert list(measures.layers) == ["up", "down", "empty"]
    assert measures.rows("ones") == measures.rows("noise") == []
