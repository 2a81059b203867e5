"""The gradients of losses whose patterns can be derived."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from upsampling_artifacts.artifacts.ensembles import measure_pattern
from upsampling_artifacts.models.adversarial import shuffle_phase
from upsampling_artifacts.models.distances import L1, L2
from upsampling_artifacts.probes.loss_gradients import (
    CONTROL_STRIDES,
    FREQUENCIES_HZ,
    PATTERNS,
    loss_gradients,
    probe_loss_gradients,
)
from upsampling_artifacts.probes.loss_summary import (
    BINS_PER_POINT,
    MARGIN_SAMPLES,
    RATE_HZ,
    SAMPLES,
    SDR_DB,
    summarize_gradients,
)
from upsampling_artifacts.probes.measures_table import (
    GRADIENT_COLUMNS,
    MEASURES_COLUMNS,
    label_gradients,
)

WEIGHTS = torch.tensor([1.0, 2.0, -0.5, 0.25])
QUARTER, HALF = RATE_HZ / 4, RATE_HZ / 2


class Features(nn.Module):
    """L1 distance between the features that a function computes."""

    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        a, b = (
            self.features(waveform.flatten(0, -2).unsqueeze(1)) for waveform in (estimate, target)
        )
        return F.l1_loss(a, b)


def strided(x: Tensor) -> Tensor:
    """One filter without overlap, with ReLU."""
    return F.conv1d(x, WEIGHTS[None, None], stride=4).relu()


def smoothed(x: Tensor) -> Tensor:
    return F.avg_pool1d(x, 5, stride=1, padding=2)


def measured(loss: nn.Module, kind: str, examples: int = 32, seed: int = 0) -> pd.DataFrame:
    """Level, prominence and chance by frequency."""
    pattern = PATTERNS[kind](loss_gradients(loss, seed, examples))
    measures = measure_pattern(pattern, RATE_HZ, FREQUENCIES_HZ, CONTROL_STRIDES)
    return pd.DataFrame(measures, index=FREQUENCIES_HZ)


def line_levels_db(phases: np.ndarray) -> dict[float, float]:
    """Levels of the lines of a signal that repeats four phases."""
    spectrum = np.abs(np.fft.fft(phases)) ** 2 / 16
    return {QUARTER: 10 * np.log10(2 * spectrum[1]), HALF: 10 * np.log10(spectrum[2])}


def test_without_its_ends_each_gradient_has_an_rms_of_one() -> None:
    gradients = loss_gradients(L2(), 0, examples=3)
    assert gradients.shape == (3, SAMPLES - 2 * MARGIN_SAMPLES)
    assert np.mean(gradients**2, axis=1) == pytest.approx(1)
    assert np.abs(np.corrcoef(gradients)[0, 1:]).max() < 0.05
    assert np.array_equal(gradients, loss_gradients(L2(), 0, examples=3))
    assert not np.array_equal(gradients, loss_gradients(L2(), 1, examples=3))


@pytest.mark.parametrize("loss", [L1(), L2()], ids=["l1", "l2"])
@pytest.mark.parametrize("kind", PATTERNS)
def test_a_loss_without_strides_has_no_pattern(loss: nn.Module, kind: str) -> None:
    assert (measured(loss, kind)["level"] < -36).all()


def test_the_power_of_the_gradient_of_l1_is_exactly_constant() -> None:
    assert (measured(L1(), "gradient_power", examples=4)["level"] == -np.inf).all()


def test_the_power_behind_a_strided_filter_is_that_of_its_weights() -> None:
    """Each phase of the gradient is that of the features times one weight."""
    measures = measured(Features(strided), "gradient_power")
    power = WEIGHTS.numpy() ** 2
    for frequency_hz, level_db in line_levels_db(power / power.mean()).items():
        assert measures["level"][frequency_hz] == pytest.approx(level_db, abs=0.3)
    assert measures["chance"][QUARTER] < 0.02
    others = measures.drop([QUARTER, HALF])
    assert (others["level"] < -30).all()


def test_the_mean_behind_a_strided_filter_is_the_predicted_tone() -> None:
    """The gradient of a ReLU's feature has the mean arcsin(r) / pi and the mean square 1/2."""
    measures = measured(Features(strided), "gradient")
    error = 10 ** (-SDR_DB / 20)
    mean = math.asin(error / math.hypot(1, error)) / math.pi
    weights = WEIGHTS.numpy()
    phases = mean * weights / np.sqrt(np.mean(weights**2) / 2)
    for frequency_hz, level_db in line_levels_db(phases).items():
        assert measures["level"][frequency_hz] == pytest.approx(level_db, abs=0.5)
    assert measures["prominence"][QUARTER] > 20


def test_pooling_treats_all_phases_of_white_noise_alike() -> None:
    for pool in (F.avg_pool1d, F.max_pool1d):
        loss = Features(lambda x, pool=pool: pool(x, 4))
        assert (measured(loss, "gradient_power")["level"] < -33).all()


def test_the_largest_of_four_samples_of_smooth_noise_is_mostly_at_an_end() -> None:
    measures = measured(Features(lambda x: F.max_pool1d(smoothed(x), 4)), "gradient_power")
    assert measures["prominence"][QUARTER] > 12
    assert measures["chance"][QUARTER] < 0.02


def test_phase_shuffle_weakens_a_line_by_the_mean_over_its_shifts() -> None:
    """Two filters without overlap: the gradient repeats every 16 samples, shifted by 4 k. The mean
    over k = -2 ... 2 of exp(2j pi k / 4) is -1/5; that of exp(2j pi k) is 1."""

    class TwoFilters(nn.Module):
        shuffles = False

        def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
            x = F.conv1d(estimate.flatten(0, -2).unsqueeze(1), WEIGHTS[None, None], stride=4)
            x = shuffle_phase(x, 2) if self.shuffles else x
            return F.conv1d(x, WEIGHTS.flip(0)[None, None], stride=4).sum()

    class Shuffled(TwoFilters):
        shuffles = True

    plain = measured(TwoFilters(), "gradient_power", examples=1)["level"]
    shuffled = measured(Shuffled(), "gradient_power", examples=1000)["level"]
    change = shuffled - plain
    assert change[RATE_HZ / 16] == pytest.approx(20 * math.log10(1 / 5), abs=2)
    assert change[QUARTER] == pytest.approx(0, abs=0.1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("losses")
    losses = {
        "l1": {"name": "l1"},
        "adversarial": {"name": "adversarial"},
        "mine scale=2.0": {"name": "tests.toy_losses:Scaled", "scale": 2.0},
    }
    probe_loss_gradients(losses, [3, 1], folder / "g.csv", folder / "g.npz")
    with np.load(folder / "g.npz") as arrays:
        return pd.read_csv(folder / "g.csv"), dict(arrays)


def test_the_table_has_a_row_per_loss_seed_measure_and_frequency(files) -> None:
    table, _ = files
    assert list(table.columns) == GRADIENT_COLUMNS
    assert table["loss"].unique().tolist() == ["l1", "adversarial", "mine scale=2.0"]
    assert table["seed"].unique().tolist() == [3, 1]
    names = {"level": "dB", "prominence": "dB", "chance": "1"}
    units = {f"{kind}_{name}": unit for kind in PATTERNS for name, unit in names.items()}
    assert dict(zip(table["measure"], table["unit"], strict=True)) == units
    assert len(table) == 3 * 2 * len(units) * len(FREQUENCIES_HZ)
    assert sorted(table["frequency_hz"].unique()) == [500.0 * k for k in range(1, 9)]


def test_seeds_change_the_weights_of_a_network_and_the_noise(files) -> None:
    table, _ = files
    for _, rows in table[table["measure"] == "gradient_level"].groupby("loss"):
        assert rows["value"].nunique() == len(rows)


def test_a_scaled_loss_has_the_gradient_of_the_loss(files) -> None:
    table, _ = files
    of = {name: rows["value"].to_numpy() for name, rows in table.groupby("loss")}
    np.testing.assert_allclose(of["mine scale=2.0"], of["l1"], rtol=1e-5)


def test_the_spectra_keep_their_lines(files) -> None:
    table, arrays = files
    frequencies_hz = arrays["frequencies_hz"]
    assert len(frequencies_hz) == -(-(1 + SAMPLES // 2 - MARGIN_SAMPLES) // BINS_PER_POINT)
    lines = table[(table["loss"] == "adversarial") & (table["measure"] == "gradient_power_level")]
    by_seed = lines[lines["frequency_hz"] == QUARTER]["value"]
    expected = 10 * np.log10(np.mean(10 ** (by_seed / 10)))
    near = np.abs(frequencies_hz - QUARTER) < 10
    spectrum = arrays["adversarial/gradient_power_db"]
    assert spectrum[near].max() == pytest.approx(expected, abs=0.5)
    assert (arrays["l1/gradient_power_db"] == -np.inf).all()
    assert "mine scale=2.0/gradient_db" in arrays


def test_a_loss_becomes_a_model_in_the_table_of_measures(files) -> None:
    table, _ = files
    measures = label_gradients(table)
    assert list(measures.columns) == MEASURES_COLUMNS
    assert measures["model"].tolist() == table["loss"].tolist()
    assert set(measures["layer"]) == {"gradient"} and set(measures["signal"]) == {"noise"}


def test_summaries_are_means_over_seeds_and_leave_out_what_is_undefined() -> None:
    rows = [("a", seed, 2000.0, "gradient_level", value, "dB") for seed, value in
            enumerate([1.0, 2.0, 3.0])]  # fmt: skip
    rows += [("a", seed, 2000.0, "gradient_chance", np.nan, "1") for seed in range(3)]
    summary = summarize_gradients(pd.DataFrame(rows, columns=GRADIENT_COLUMNS))
    level, chance = summary.to_dict("records")
    half = 4.302653 / np.sqrt(3)
    assert (level["mean"], level["n_seeds"]) == (2, 3)
    assert (level["low"], level["high"]) == pytest.approx((2 - half, 2 + half))
    assert math.isnan(chance["mean"])
