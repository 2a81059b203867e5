"""Published models: the layers, periods and tones that their publications imply, nothing else.

Run with ``make test-models``; a model whose package is not installed is skipped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from upsampling_artifacts.api import probe
from upsampling_artifacts.probes.layer_tracer import MAX_PERIOD
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult

from tests.real_models.published import PUBLISHED, Published

SECONDS = 6.0

TOLERANCE_HZ = 1.0
"""Half a bin of the search for lines."""

FOUND_IN = ("silence", "ones", "noise")
"""Inputs without lines of their own."""

RANGE_DB = 100.0
"""Lines this far below the loudest are rounding errors of float32."""


@dataclass(frozen=True)
class Probed:
    """A published model and what the prober says of it."""

    published: Published
    result: ModelProbeResult
    seconds: float

    def layers(self, direction: str) -> list[dict]:
        layers = self.result.layers
        return layers[layers["direction"] == direction].to_dict("records")

    def found_lines_hz(self) -> np.ndarray:
        """Lines of the output that a search without predictions found, for all inputs."""
        measures = self.result.measures.query("layer == 'output'")
        levels = measures[measures["measure"].str.endswith(("line_level", "offset_level"))]["value"]
        lines = measures[
            (measures["measure"] == "found_line_level") & measures["signal"].isin(FOUND_IN)
        ]
        loudest_db = levels[np.isfinite(levels)].max()
        return lines["frequency_hz"][lines["value"] > loudest_db - RANGE_DB].to_numpy()


def parameter(name: str) -> object:
    """All tests of a model run in one process, which probes it once."""
    return pytest.param(name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=[parameter(name) for name in PUBLISHED])
def probed(request) -> Probed:
    published = PUBLISHED[request.param]
    pytest.importorskip(published.package)
    torch.manual_seed(0)
    model = published.build()
    start = time.perf_counter()
    result = probe(
        model,
        rate_hz=published.rate_hz,
        input_kind=published.input_kind,
        channels=published.channels,
        seconds=SECONDS,
        name=request.param,
    )
    return Probed(published, result, time.perf_counter() - start)


def is_multiple(frequencies_hz: np.ndarray, spacing_hz: float) -> np.ndarray:
    nearest_hz = spacing_hz * np.round(frequencies_hz / spacing_hz)
    return np.abs(frequencies_hz - nearest_hz) <= TOLERANCE_HZ


def test_the_upsampling_layers_are_the_published_ones(probed, record_property) -> None:
    found = {(row["kind"], row["stride"], row["period"]) for row in probed.layers("up")}
    constant = any(finding.kind == "constant_output" for finding in probed.result.findings)
    record_property(
        probed.result.name,
        f"probed in {probed.seconds:.1f} s" + ", output constant" * constant,
    )
    # A resampler to a rate from which the model returns makes no tones, whatever it is called.
    assert {layer for layer in found if layer[2] != 1} == {
        layer for layer in probed.published.up if layer[2] != 1
    }


def test_the_downsampling_layers_have_the_published_strides(probed) -> None:
    assert {row["stride"] for row in probed.layers("down")} == set(probed.published.down)


def test_no_predicted_tone_is_a_phantom(probed, record_property) -> None:
    """Each tone is at a multiple of rate / period for a layer that exists."""
    tones_hz = probed.result.tones_hz
    true = np.zeros(len(tones_hz), bool)
    for period in probed.published.periods:
        true |= is_multiple(tones_hz, probed.published.rate_hz / period)
    record_property(probed.result.name, f"{len(tones_hz)} tones, {np.sum(~true)} phantoms")
    assert true.all()


def test_the_tones_of_every_layer_are_predicted(probed) -> None:
    for period in probed.published.periods - {1}:
        if period > MAX_PERIOD:
            continue  # the layer is listed; its tones are too close to tell apart
        first_hz = probed.published.rate_hz / period
        tones_hz = first_hz * np.arange(1, period // 2 + 1)
        distance_hz = np.abs(tones_hz[:, None] - [*probed.result.tones_hz, np.inf]).min(axis=1)
        assert distance_hz.max() < TOLERANCE_HZ, f"rate / {period}"


def test_found_lines_are_explained(probed, record_property) -> None:
    lines_hz = probed.found_lines_hz()
    tones_hz = np.array([*probed.result.tones_hz, np.inf])
    explained = np.abs(lines_hz[:, None] - tones_hz).min(axis=1) <= TOLERANCE_HZ
    record_property(probed.result.name, f"{len(lines_hz)} lines, {explained.sum()} explained")
    assert np.sum(explained) >= 0.98 * len(lines_hz)


def test_the_summary_fits_one_screen(probed) -> None:
    """About 40 lines, however many layers there are."""
    lines = repr(probed.result).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 45
