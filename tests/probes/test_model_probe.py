"""Probing: a model whose artifacts are known shows them, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from upsampling_artifacts.data import signals
from upsampling_artifacts.probes.measures_table import COLUMNS
from upsampling_artifacts.probes.model_probe import INPUT, OUTPUT, Probe, probe_model, run

RATE_HZ = 8000
SECONDS = 1.5
TIME = 12_000


class AddsATone(nn.Module):
    """Two sources, each the input and a tone of RMS 0.01 at a quarter of the rate."""

    def forward(self, x: Tensor) -> Tensor:
        tone = 0.01 * torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(x.shape[-1] // 4)
        return torch.stack([x + tone, x + tone], dim=1)


class TwoSources(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x, -x], dim=1)


def down_and_up(bias: bool = False) -> nn.Module:
    """A convolution of stride 4 down, two transposed ones x2 up; nothing reaches over a stride."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(2, 6, 4, 4, bias=bias),
        nn.ConvTranspose1d(6, 6, 2, 2, bias=bias),
        nn.ConvTranspose1d(6, 2, 2, 2, bias=bias),
    ).eval()


def given(*names: str) -> dict[str, np.ndarray]:
    known = signals.test_signals(SECONDS, RATE_HZ, 2)
    return {name: known[name] for name in names}


def values(probe: Probe, signal: str, measure: str, layer: str = OUTPUT) -> pd.Series:
    """By frequency."""
    table = probe.measures
    chosen = (table["signal"] == signal) & (table["layer"] == layer)
    return table[chosen & (table["measure"] == measure)].set_index("frequency_hz")["value"]


def boundary(probe: Probe, signal: str = "noise") -> tuple[float, float]:
    return tuple(values(probe, signal, f"boundary_{end}").item() for end in ("start", "end"))


@pytest.mark.parametrize("chunk", [None, 2048])
def test_a_tone_at_a_quarter_of_the_rate_is_found_and_none_elsewhere(chunk: int | None) -> None:
    test_signals = given("silence", "noise")
    test_signals["noise"] *= 0.01
    probe = probe_model(AddsATone(), test_signals, RATE_HZ, chunk)
    assert list(probe.measures.columns) == COLUMNS
    assert probe.layers == [] and probe.arrays["tones_hz"].tolist() == []
    for signal in ("silence", "noise"):
        levels_db = values(probe, signal, "found_line_level")
        assert levels_db.index.tolist() == pytest.approx([2000], abs=0.5)
        tolerance_db = 0.05 if signal == "silence" else 1
        assert levels_db.tolist() == pytest.approx([-40], abs=tolerance_db)


def test_a_model_without_artifacts_shows_none() -> None:
    probe = probe_model(nn.Identity(), given("silence", "ones", "noise"), RATE_HZ)
    assert "found_line_level" not in set(probe.measures["measure"])
    assert values(probe, "silence", "offset_level").item() == -np.inf
    assert values(probe, "ones", "offset_level").item() == 0
    assert values(probe, "noise", "response_flatness").item() == pytest.approx(0, abs=1e-9)
    assert values(probe, "noise", "flatness").item() < 0.5
    assert boundary(probe) == boundary(probe, "ones") == boundary(probe, "silence") == (0, 0)


def test_two_upsamplers_have_tones_at_multiples_of_a_quarter_of_the_rate() -> None:
    probe = probe_model(down_and_up(bias=True), given("silence", "noise"), RATE_HZ)
    assert [(layer.name, layer.stride, layer.direction) for layer in probe.layers] == [
        ("0", 4, "down"), ("1", 2, "up"), ("2", 2, "up"),
    ]  # fmt: skip
    assert probe.arrays["tones_hz"].tolist() == [2000, 4000]
    for signal in ("silence", "noise"):
        prominences_db = values(probe, signal, "line_prominence")
        assert prominences_db.index.tolist() == [2000, 4000]
        assert (prominences_db > (80 if signal == "silence" else 12)).all()
    found = values(probe, "silence", "found_line_level").sort_index()
    np.testing.assert_allclose(found.index, [2000, 4000], atol=0.5)


def test_a_tone_that_goes_in_is_told_from_one_that_the_model_makes() -> None:
    tone = 0.5 * np.tile([1, 1, -1, -1], TIME // 4).astype(np.float32)
    test_signals = {"tone": np.stack([tone, tone]), **given("silence")}
    probe = probe_model(down_and_up(bias=True), test_signals, RATE_HZ)
    levels_db = values(probe, "tone", "line_level", INPUT)
    assert levels_db[2000] == pytest.approx(20 * np.log10(0.5), abs=0.05)
    assert levels_db[4000] < -140
    assert (values(probe, "silence", "line_level", INPUT) == -np.inf).all()
    assert (values(probe, "silence", "line_level") > -80).all()


def test_one_upsampler_of_the_same_model_has_one_tone() -> None:
    """Stride 2 down and up: the tone at a quarter of the rate is neither predicted nor there."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 6, 2, 2), nn.ConvTranspose1d(6, 2, 2, 2))
    probe = probe_model(model, given("silence"), RATE_HZ)
    assert values(probe, "silence", "line_level").index.tolist() == [4000]
    assert values(probe, "silence", "line_prominence").item() > 80
    np.testing.assert_allclose(values(probe, "silence", "found_line_level").index, [4000])


def test_without_biases_silence_stays_exactly_silent_inside_and_at_the_output() -> None:
    probe = probe_model(down_and_up(), given("silence"), RATE_HZ)
    assert (values(probe, "silence", "line_level") == -np.inf).all()
    assert values(probe, "silence", "line_prominence").isna().all()
    for layer in (OUTPUT, "0", "1", "2"):
        assert values(probe, "silence", "offset_level", layer).item() == -np.inf
    assert (probe.arrays["silence_db"] == -np.inf).all()


def test_the_layers_inside_are_measured_for_each_signal() -> None:
    """Weights that turn a one into 3 and 1: mean 2, variance 1."""
    model = nn.Sequential(
        nn.AvgPool1d(2), nn.ConvTranspose1d(2, 2, 2, 2, groups=2, bias=False), nn.Conv1d(2, 2, 1)
    )
    model[1].weight.data = torch.tensor([[[3.0, 1.0]], [[3.0, 1.0]]])
    probe = probe_model(model, given("ones", "silence"), RATE_HZ)
    assert [layer.name for layer in probe.layers] == ["0", "1"]
    assert values(probe, "ones", "offset_level", "1").item() == pytest.approx(10 * np.log10(4))
    replica_db = values(probe, "ones", "offset_replica_level", "1").item()
    assert replica_db == pytest.approx(10 * np.log10(1 / 4))
    assert values(probe, "silence", "offset_level", "1").item() == -np.inf


@pytest.mark.parametrize(("left", "right"), [(4, 4), (8, 0), (0, 8), (0, 0)])
def test_the_boundary_of_a_convolution_is_its_padding(left: int, right: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv1d(2, 2, left + right + 1, bias=False)
    model = nn.Sequential(nn.ConstantPad1d((left, right), 0.0), convolution)
    probe = probe_model(model, given("noise", "ones"), RATE_HZ)
    assert boundary(probe) == boundary(probe, "ones") == (left, right)
    rows = probe.measures[probe.measures["measure"].str.startswith("boundary")]
    assert set(rows["unit"]) == {"samples"}


@pytest.mark.parametrize("stride", [4, 7])
def test_a_cut_at_whole_strides_adds_no_boundary(stride: int) -> None:
    """A third of 12,000 samples is a multiple of 4 and not of 7: 3997 is taken."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(2, 6, stride, stride, bias=False),
        nn.ConvTranspose1d(6, 2, stride, stride, bias=False),
    )
    noise = {"noise": given("noise")["noise"][:, : TIME // stride * stride]}
    assert boundary(probe_model(model, noise, RATE_HZ)) == (0, 0)


class Lengthens(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2)


def test_a_model_that_changes_the_length_is_measured_at_the_outputs_rate() -> None:
    probe = probe_model(Lengthens(), given("noise"), RATE_HZ)
    assert probe.arrays["tones_hz"].tolist() == [4000]
    assert values(probe, "noise", "valley_depth")[4000] > 20
    assert probe.arrays["times_seconds"].max() > 2 * SECONDS - 0.1
    measures = set(probe.measures["measure"])
    assert not measures & {"boundary_start", "boundary_end", "response_flatness"}


def test_signals_that_go_through_together_come_out_as_if_alone() -> None:
    model, names = down_and_up(bias=True), ("silence", "noise", "sweep")
    shorter = {"short": given("noise")["noise"][:, :9600]}
    together = probe_model(model, given(*names) | shorter, RATE_HZ).measures
    assert together["signal"].unique().tolist() == [*names, "short"]
    for name, signal in (given(*names) | shorter).items():
        alone = probe_model(model, {name: signal}, RATE_HZ).measures
        same = together[together["signal"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, alone, rtol=1e-4, atol=0.05)


def test_in_chunks_the_same_comes_out_of_a_model_without_memory() -> None:
    whole = probe_model(TwoSources(), given("noise"), RATE_HZ).measures
    pieces = probe_model(TwoSources(), given("noise"), RATE_HZ, chunk=2048).measures
    pd.testing.assert_frame_equal(whole, pieces, rtol=1e-4, atol=1e-4)


def test_in_chunks_all_chunks_of_a_layer_count() -> None:
    class Separates(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = down_and_up(bias=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.inside(x)[:, None]

    whole = probe_model(Separates(), given("silence"), RATE_HZ)
    pieces = probe_model(Separates(), given("silence"), RATE_HZ, chunk=2000)
    assert [layer.name for layer in pieces.layers] == ["inside.0", "inside.1", "inside.2"]
    for layer in ("inside.0", "inside.1", "inside.2", OUTPUT):
        for measure in ("offset_level", "polyphase_mean_spread", "polyphase_power_spread"):
            expected = values(whole, "silence", measure, layer).tolist()
            assert values(pieces, "silence", measure, layer).tolist() == pytest.approx(expected)


def test_all_sources_and_channels_are_the_outputs_channels() -> None:
    batch = np.stack([given("noise")["noise"], given("ones")["ones"]])
    outputs = run(TwoSources(), batch)
    assert outputs.shape == (2, 4, TIME) and outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, np.concatenate([batch, -batch], axis=1))
    chunked = run(TwoSources(), batch[:1], chunk=1000)
    np.testing.assert_allclose(chunked, outputs[:1], atol=1e-6)


def test_spectrograms_of_all_signals_come_with_their_axes() -> None:
    arrays = probe_model(AddsATone(), given("silence", "noise"), RATE_HZ).arrays
    assert set(arrays) == {
        "rate_hz", "tones_hz", "frequencies_hz", "times_seconds", "silence_db", "noise_db",
    }  # fmt: skip
    assert arrays["rate_hz"] == RATE_HZ
    shape = len(arrays["frequencies_hz"]), len(arrays["times_seconds"])
    assert arrays["silence_db"].shape == arrays["noise_db"].shape == shape
    loudest_hz = arrays["frequencies_hz"][arrays["silence_db"].argmax(axis=0)]
    np.testing.assert_allclose(loudest_hz, 2000)
    assert arrays["silence_db"].max() == pytest.approx(-40, abs=0.1)
