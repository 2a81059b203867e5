"""Probing a model whose artifacts are known measures these, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from upsampling_artifacts.data import signals
from upsampling_artifacts.probes.measures_table import COLUMNS
from upsampling_artifacts.probes.model_probe import INPUT, OUTPUT, ProbeResult, probe_model, run

RATE_HZ = 8000
SECONDS = 1.5
TIME = 12_000


class AddsATone(nn.Module):
    """Two sources, each the input plus a tone of RMS 0.01 at a quarter of the rate."""

    def forward(self, x: Tensor) -> Tensor:
        tone = 0.01 * torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(x.shape[-1] // 4)
        return torch.stack([x + tone, x + tone], dim=1)


class TwoSources(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x, -x], dim=1)


def down_and_up(bias: bool = False) -> nn.Module:
    """A convolution of stride 4, then two transposed ones of stride 2, all without overlap."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(2, 6, 4, 4, bias=bias),
        nn.ConvTranspose1d(6, 6, 2, 2, bias=bias),
        nn.ConvTranspose1d(6, 2, 2, 2, bias=bias),
    ).eval()


def select_signals(*names: str) -> dict[str, np.ndarray]:
    known = signals.test_signals(SECONDS, RATE_HZ, 2)
    return {name: known[name] for name in names}


def values(result: ProbeResult, signal: str, measure: str, layer: str = OUTPUT) -> pd.Series:
    """The values of one measure, by frequency."""
    table = result.measures
    chosen = (table["signal"] == signal) & (table["layer"] == layer)
    return table[chosen & (table["measure"] == measure)].set_index("frequency_hz")["value"]


def boundary(result: ProbeResult, signal: str = "noise") -> tuple[float, float]:
    return tuple(values(result, signal, f"boundary_{end}").item() for end in ("start", "end"))


@pytest.mark.parametrize("chunk", [None, 2048])
def test_a_tone_at_a_quarter_of_the_rate_is_found_and_no_other(chunk: int | None) -> None:
    test_signals = select_signals("silence", "noise")
    test_signals["noise"] *= 0.01
    result = probe_model(AddsATone(), test_signals, RATE_HZ, chunk)
    assert list(result.measures.columns) == COLUMNS
    assert result.layers == [] and result.arrays["tones_hz"].tolist() == []
    for signal in ("silence", "noise"):
        levels_db = values(result, signal, "found_line_level")
        assert levels_db.index.tolist() == pytest.approx([2000], abs=0.5)
        tolerance_db = 0.05 if signal == "silence" else 1
        assert levels_db.tolist() == pytest.approx([-40], abs=tolerance_db)


def test_a_model_without_artifacts_shows_none() -> None:
    result = probe_model(nn.Identity(), select_signals("silence", "ones", "noise"), RATE_HZ)
    assert "found_line_level" not in set(result.measures["measure"])
    assert values(result, "silence", "offset_level").item() == -np.inf
    assert values(result, "ones", "offset_level").item() == 0
    assert values(result, "noise", "response_flatness").item() == pytest.approx(0, abs=1e-9)
    assert values(result, "noise", "flatness").item() < 0.5
    assert boundary(result) == boundary(result, "ones") == boundary(result, "silence") == (0, 0)


def test_two_upsamplers_x2_have_tones_at_multiples_of_a_quarter_of_the_rate() -> None:
    result = probe_model(down_and_up(bias=True), select_signals("silence", "noise"), RATE_HZ)
    assert [(layer.name, layer.stride, layer.direction) for layer in result.layers] == [
        ("0", 4, "down"), ("1", 2, "up"), ("2", 2, "up"),
    ]  # fmt: skip
    assert result.arrays["tones_hz"].tolist() == [2000, 4000]
    for signal in ("silence", "noise"):
        prominences_db = values(result, signal, "line_prominence")
        assert prominences_db.index.tolist() == [2000, 4000]
        assert (prominences_db > (80 if signal == "silence" else 12)).all()
    found = values(result, "silence", "found_line_level").sort_index()
    np.testing.assert_allclose(found.index, [2000, 4000], atol=0.5)


def test_lines_of_the_input_are_measured_apart_from_those_of_the_output() -> None:
    tone = 0.5 * np.tile([1, 1, -1, -1], TIME // 4).astype(np.float32)
    test_signals = {"tone": np.stack([tone, tone]), **select_signals("silence")}
    result = probe_model(down_and_up(bias=True), test_signals, RATE_HZ)
    levels_db = values(result, "tone", "line_level", INPUT)
    assert levels_db[2000] == pytest.approx(20 * np.log10(0.5), abs=0.05)
    assert levels_db[4000] < -140
    assert (values(result, "silence", "line_level", INPUT) == -np.inf).all()
    assert (values(result, "silence", "line_level") > -80).all()


def test_one_upsampler_x2_has_one_tone() -> None:
    """The tone at a quarter of the rate is neither predicted nor found."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 6, 2, 2), nn.ConvTranspose1d(6, 2, 2, 2))
    result = probe_model(model, select_signals("silence"), RATE_HZ)
    assert values(result, "silence", "line_level").index.tolist() == [4000]
    assert values(result, "silence", "line_prominence").item() > 80
    np.testing.assert_allclose(values(result, "silence", "found_line_level").index, [4000])


def test_without_biases_every_layer_keeps_silence_exactly_silent() -> None:
    result = probe_model(down_and_up(), select_signals("silence"), RATE_HZ)
    assert (values(result, "silence", "line_level") == -np.inf).all()
    assert values(result, "silence", "line_prominence").isna().all()
    for layer in (OUTPUT, "0", "1", "2"):
        assert values(result, "silence", "offset_level", layer).item() == -np.inf
    assert (result.arrays["silence_db"] == -np.inf).all()


def test_rate_changing_layers_are_measured_for_each_signal() -> None:
    """Weights that turn 1 into 3 and 1: mean 2, variance 1."""
    model = nn.Sequential(
        nn.AvgPool1d(2), nn.ConvTranspose1d(2, 2, 2, 2, groups=2, bias=False), nn.Conv1d(2, 2, 1)
    )
    model[1].weight.data = torch.tensor([[[3.0, 1.0]], [[3.0, 1.0]]])
    result = probe_model(model, select_signals("ones", "silence"), RATE_HZ)
    assert [layer.name for layer in result.layers] == ["0", "1"]
    assert values(result, "ones", "offset_level", "1").item() == pytest.approx(10 * np.log10(4))
    tone_db = values(result, "ones", "offset_replica_level", "1").item()
    assert tone_db == pytest.approx(10 * np.log10(1 / 4))
    assert values(result, "silence", "offset_level", "1").item() == -np.inf


@pytest.mark.parametrize(("left", "right"), [(4, 4), (8, 0), (0, 8), (0, 0)])
def test_the_boundary_of_a_convolution_is_its_padding(left: int, right: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv1d(2, 2, left + right + 1, bias=False)
    model = nn.Sequential(nn.ConstantPad1d((left, right), 0.0), convolution)
    result = probe_model(model, select_signals("noise", "ones"), RATE_HZ)
    assert boundary(result) == boundary(result, "ones") == (left, right)
    rows = result.measures[result.measures["measure"].str.startswith("boundary")]
    assert set(rows["unit"]) == {"samples"}


@pytest.mark.parametrize("stride", [4, 7])
def test_the_boundary_measure_cuts_at_whole_strides(stride: int) -> None:
    """A third of 12,000 samples is a multiple of 4 but not of 7: the cut moves to 3997."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(2, 6, stride, stride, bias=False),
        nn.ConvTranspose1d(6, 2, stride, stride, bias=False),
    )
    noise = {"noise": select_signals("noise")["noise"][:, : TIME // stride * stride]}
    assert boundary(probe_model(model, noise, RATE_HZ)) == (0, 0)


class Lengthens(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2)


def test_a_model_that_changes_the_rate_is_measured_at_the_output_rate() -> None:
    result = probe_model(Lengthens(), select_signals("noise"), RATE_HZ)
    assert result.arrays["tones_hz"].tolist() == [4000]
    assert values(result, "noise", "valley_depth")[4000] > 20
    assert result.arrays["times_seconds"].max() > 2 * SECONDS - 0.1
    measures = set(result.measures["measure"])
    assert not measures & {"boundary_start", "boundary_end", "response_flatness"}


def test_signals_in_one_batch_give_the_same_measures_as_one_by_one() -> None:
    model, names = down_and_up(bias=True), ("silence", "noise", "sweep")
    shorter = {"short": select_signals("noise")["noise"][:, :9600]}
    together = probe_model(model, select_signals(*names) | shorter, RATE_HZ).measures
    assert together["signal"].unique().tolist() == [*names, "short"]
    for name, signal in (select_signals(*names) | shorter).items():
        alone = probe_model(model, {name: signal}, RATE_HZ).measures
        same = together[together["signal"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, alone, rtol=1e-4, atol=0.05)


def test_chunks_change_nothing_for_a_model_without_memory() -> None:
    in_one_piece = probe_model(TwoSources(), select_signals("noise"), RATE_HZ).measures
    in_chunks = probe_model(TwoSources(), select_signals("noise"), RATE_HZ, chunk=2048).measures
    pd.testing.assert_frame_equal(in_one_piece, in_chunks, rtol=1e-4, atol=1e-4)


def test_a_layer_is_measured_over_all_chunks() -> None:
    class Separates(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = down_and_up(bias=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.inside(x)[:, None]

    in_one_piece = probe_model(Separates(), select_signals("silence"), RATE_HZ)
    in_chunks = probe_model(Separates(), select_signals("silence"), RATE_HZ, chunk=2000)
    assert [layer.name for layer in in_chunks.layers] == ["inside.0", "inside.1", "inside.2"]
    for layer in ("inside.0", "inside.1", "inside.2", OUTPUT):
        for measure in ("offset_level", "polyphase_mean_spread", "polyphase_power_spread"):
            expected = values(in_one_piece, "silence", measure, layer).tolist()
            assert values(in_chunks, "silence", measure, layer).tolist() == pytest.approx(expected)


def test_sources_and_channels_become_one_axis_of_the_output() -> None:
    batch = np.stack([select_signals("noise")["noise"], select_signals("ones")["ones"]])
    outputs = run(TwoSources(), batch)
    assert outputs.shape == (2, 4, TIME) and outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, np.concatenate([batch, -batch], axis=1))
    chunked = run(TwoSources(), batch[:1], chunk=1000)
    np.testing.assert_allclose(chunked, outputs[:1], atol=1e-6)


def test_the_arrays_hold_the_spectrograms_of_all_signals_and_their_axes() -> None:
    arrays = probe_model(AddsATone(), select_signals("silence", "noise"), RATE_HZ).arrays
    assert set(arrays) == {
        "rate_hz", "tones_hz", "frequencies_hz", "times_seconds", "silence_db", "noise_db",
    }  # fmt: skip
    assert arrays["rate_hz"] == RATE_HZ
    shape = len(arrays["frequencies_hz"]), len(arrays["times_seconds"])
    assert arrays["silence_db"].shape == arrays["noise_db"].shape == shape
    loudest_hz = arrays["frequencies_hz"][arrays["silence_db"].argmax(axis=0)]
    np.testing.assert_allclose(loudest_hz, 2000)
    assert arrays["silence_db"].max() == pytest.approx(-40, abs=0.1)
