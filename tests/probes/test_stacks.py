"""Probes of the small stacks: known tones, spectral images, boundaries and responses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.artifacts.filtering import interpolation_response_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.models.stacks import RATE_HZ, STACKS
from upsampling_artifacts.probes import stacks
from upsampling_artifacts.probes.measures_table import COLUMNS, MEASURES_COLUMNS
from upsampling_artifacts.probes.stacks import TONE_HZ, probe_stack, probe_stacks

SECONDS = 1.5


@cache
def probed(name: str) -> pd.DataFrame:
    test_signals = signals.test_signals(SECONDS, RATE_HZ, 1)
    return probe_stack(name, 0, {key: test_signals[key] for key in ("silence", "ones", "noise")})


def values(name: str, signal: str, layer: int, measure: str) -> pd.Series:
    """The values of one measure, by frequency."""
    table = probed(name)
    chosen = (table["signal"] == signal) & (table["layer"] == f"layer_{layer}")
    return table[chosen & (table["measure"] == measure)].set_index("frequency_hz")["value"]


def boundary(name: str, signal: str, layer: int) -> tuple[float, float]:
    return tuple(values(name, signal, layer, f"boundary_{end}").item() for end in ("start", "end"))


def test_every_layer_is_measured_with_each_signal_at_its_own_rate() -> None:
    table = probed("subpixel")
    assert list(table.columns) == COLUMNS
    assert table["signal"].unique().tolist() == ["silence", "ones", "noise", "tone"]
    assert table["layer"].unique().tolist() == ["layer_1", "layer_2", "layer_3"]
    tones_hz = [
        values("subpixel", "noise", layer, "line_level").index.tolist() for layer in (1, 2, 3)
    ]
    assert tones_hz == [[4000], [4000, 8000], [4000, 8000, 12000, 16000]]


@pytest.mark.parametrize(
    ("name", "ones", "noise"),
    [
        # Zero padding affects half a filter: four of nine samples.
        ("nearest", (4, 4), (4, 4)),
        # Linear interpolation repeats the end samples: one more, except for ones.
        ("linear", (4, 4), (5, 5)),
        ("nearest_alone", (0, 0), (0, 0)),
        ("linear_alone", (0, 0), (1, 1)),
        # One of the filter's three samples, before upsampling.
        ("subpixel", (2, 2), (2, 2)),
        # The overlap of neighboring filters: see the drawing in transposed.py.
        ("transposed_none", (0, 0), (0, 0)),
        ("transposed_partial", (1, 0), (1, 0)),
        ("transposed_full", (1, 1), (1, 1)),
        ("transposed_full_constant", (1, 1), (1, 1)),
    ],
)
def test_the_boundary_of_a_layer_is_the_reach_of_its_filter(name, ones, noise) -> None:
    assert boundary(name, "ones", 1) == ones
    assert boundary(name, "noise", 1) == noise
    assert boundary(name, "silence", 1) == (0, 0)


@pytest.mark.parametrize(
    ("name", "by_layer"),
    [("transposed_none", (0, 0, 0)), ("transposed_full", (1, 3, 7)), ("subpixel", (2, 6, 14))],
)
def test_the_boundary_grows_from_layer_to_layer(name: str, by_layer: tuple) -> None:
    """Twice the boundary of the layer before, plus its own."""
    for layer, samples in enumerate(by_layer, start=1):
        assert boundary(name, "noise", layer) == (samples, samples)


def test_constant_weights_turn_a_dc_offset_into_the_tone_of_their_overlap() -> None:
    """Alternating 2 and 1 copies: mean 3/2, and 1/2 at half the rate."""
    arguments = "transposed_partial_constant", "ones", 1
    expected_db = 20 * np.log10(1 / 3)
    assert values(*arguments, "offset_image_level")[4000] == pytest.approx(expected_db, abs=0.01)
    offset_db = values(*arguments, "offset_level").item()
    assert offset_db == pytest.approx(20 * np.log10(3 / 2), abs=0.01)
    line_db = values(*arguments, "line_level")[4000]
    assert line_db == pytest.approx(20 * np.log10(1 / 2), abs=0.01)


@pytest.mark.parametrize("name", ["transposed_full_constant", "nearest", "subpixel_icnr"])
def test_equal_phases_turn_a_dc_offset_into_no_tone(name: str) -> None:
    assert (values(name, "ones", 3, "offset_image_level") < -100).all()
    assert values(name, "ones", 1, "polyphase_mean_spread").item() < -100


@pytest.mark.parametrize("name", ["subpixel", "transposed_full"])
def test_random_phases_make_all_spectral_images_of_a_dc_offset(name: str) -> None:
    levels_db = values(name, "ones", 3, "offset_image_level")
    assert levels_db.index.tolist() == [4000, 8000, 12000, 16000]
    assert (levels_db > -40).all()
    assert values(name, "ones", 1, "aperiodic_level").item() < -100


@pytest.mark.parametrize("kind", ["nearest", "linear"])
def test_the_spectral_images_of_a_tone_have_the_predicted_frequencies_and_levels(kind: str) -> None:
    levels_db = values(f"{kind}_alone", "tone", 1, "tone_image_level")
    assert levels_db.index.tolist() == [3000]
    at_image, at_tone = interpolation_response_db(kind, 2, np.array([3000, TONE_HZ]), 2 * RATE_HZ)
    assert levels_db[3000] == pytest.approx(at_image - at_tone, abs=0.05)
    deeper = values(f"{kind}_alone", "tone", 3, "tone_image_level")
    assert deeper.index.tolist() == [3000, 5000, 7000, 9000, 11000, 13000, 15000]


def test_the_response_error_is_small_and_measured_for_interpolations_alone() -> None:
    for kind in ("nearest", "linear"):
        for layer in (1, 2, 3):
            assert values(f"{kind}_alone", "noise", layer, "response_error").item() < 1
        assert values(f"{kind}_alone", "ones", 1, "response_error").empty
        assert values(kind, "noise", 1, "response_error").empty


def test_another_interpolation_departs_from_theory() -> None:
    nearest = np.random.default_rng(0).standard_normal((1, 12_000)).repeat(2, axis=1)
    for name, fits in (("nearest_alone", True), ("linear_alone", False)):
        measure, _, error_db, unit = stacks._response_error(nearest, 8000, name, 1)
        assert (measure, unit) == ("response_error", "dB")
        assert error_db < 1 if fits else error_db > 3


def test_silence_stays_silent_in_all_layers() -> None:
    for layer in (1, 2, 3):
        assert values("transposed_full", "silence", layer, "offset_level").item() == -np.inf
        assert (values("subpixel", "silence", layer, "line_level") == -np.inf).all()


def test_each_seed_has_its_own_noise_and_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two = {name: STACKS[name] for name in ("nearest_alone", "transposed_none")}
    monkeypatch.setattr(stacks, "STACKS", two)
    probe_stacks([3, 8], tmp_path / "stacks.csv")
    table = pd.read_csv(tmp_path / "stacks.csv")
    assert list(table.columns) == MEASURES_COLUMNS
    assert set(table["stage"]) == {"initialization"}
    assert table[["model", "seed"]].drop_duplicates().values.tolist() == [
        ["stack_nearest_alone", 3], ["stack_transposed_none", 3],
        ["stack_nearest_alone", 8], ["stack_transposed_none", 8],
    ]  # fmt: skip
    assert table["signal"].unique().tolist() == [*signals.NAMES, "tone"]

    def offsets_db(model: str, signal: str) -> list[float]:
        chosen = (table["model"] == f"stack_{model}") & (table["signal"] == signal)
        chosen &= (table["layer"] == "layer_1") & (table["measure"] == "offset_level")
        return table[chosen]["value"].tolist()

    # The first stack has no weights: only the noise differs. The second has other weights.
    assert len(set(offsets_db("nearest_alone", "noise"))) == 2
    assert len(set(offsets_db("nearest_alone", "music"))) == 1
    assert len(set(offsets_db("transposed_none", "ones"))) == 2
