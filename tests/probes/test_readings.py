"""The readings of figure 9: each omits what its name says and is measured under that name."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn
from upsampling_artifacts.data import signals
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes import readings
from upsampling_artifacts.probes.measures_table import COLUMNS, MEASURES_COLUMNS
from upsampling_artifacts.probes.model_probe import probe_model
from upsampling_artifacts.probes.readings import READINGS, RESCALINGS, probe_readings

SMALL = {"channels": 2, "depth": 3}
SHAPE = {"n_sources": 4, "audio_channels": 2}


def build(options: dict, seed: int = 0) -> nn.Module:
    return build_model("demucs", options, readings.UPSAMPLER, **SHAPE, seed=seed).eval()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Measures of small networks, with the shortest noise that all measures accept."""
    path = tmp_path_factory.mktemp("readings") / "readings.csv"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(readings, "SIZE", SMALL)
        monkeypatch.setattr(readings, "SECONDS", 1.0)
        probe_readings([4, 1], path)
    return pd.read_csv(path)


def test_every_reading_is_probed_with_and_without_rescaling(table: pd.DataFrame) -> None:
    assert list(table.columns) == MEASURES_COLUMNS
    labels = [f"reading_{name}{ending}" for name in READINGS for ending in RESCALINGS]
    assert table["model"].unique().tolist() == labels
    assert (table.groupby("model")["seed"].unique().map(list) == [[4, 1]] * len(labels)).all()
    assert set(table["signal"]) == {"noise"} and set(table["stage"]) == {"initialization"}
    tone = (table["measure"] == "line_prominence") & (table["frequency_hz"] == 11025)
    assert len(table[tone & (table["layer"] == "output")]) == 2 * len(labels)


@pytest.mark.parametrize(
    ("label", "options"),
    [
        ("original", {"rescale": 0.0}),
        ("original_rescaled", {"rescale": 0.1}),
        ("no_biases_last_decoder_relu",
         {"rescale": 0.0, "bias": False, "omit_relu": ["last_decoder"]}),
        ("no_first_encoder_relu_rescaled", {"rescale": 0.1, "omit_relu": ["first_encoder"]}),
    ],
)  # fmt: skip
def test_a_label_belongs_to_the_network_that_was_measured(table, label, options) -> None:
    rows = table[(table["model"] == f"reading_{label}") & (table["seed"] == 1)]
    noise = {"noise": signals.white_noise(1.0, readings.RATE_HZ, 2)}
    result = probe_model(
        build(SMALL | options, seed=1), noise, readings.RATE_HZ, prominence_ratio=False
    )
    pd.testing.assert_frame_equal(rows[COLUMNS].reset_index(drop=True), result.measures, rtol=1e-5)


def relus(model: nn.Module) -> int:
    return sum(isinstance(module, nn.ReLU) for module in model.modules())


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_omits_what_its_name_says(name: str) -> None:
    model = build(SMALL | READINGS[name])
    biases = [key for key, _ in model.named_parameters() if "bias" in key]
    assert bool(biases) is ("no_biases" not in name)
    assert relus(model) == relus(build(SMALL)) - name.count("relu")
    silent = model(torch.zeros(1, 2, 640)).abs().max() == 0
    assert silent.item() is ("no_biases" in name)


def test_the_network_is_as_deep_as_the_papers() -> None:
    assert readings.SIZE["depth"] == 6
    assert readings.UPSAMPLER == {"name": "transposed", "length": 8}
