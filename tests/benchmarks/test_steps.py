"""The benchmark of training steps: real steps, a row each, figures that fit together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from upsampling_artifacts.benchmarks import steps
from upsampling_artifacts.benchmarks.interleaved import timed
from upsampling_artifacts.benchmarks.memory import peak_bytes
from upsampling_artifacts.benchmarks.peak_flops import peak_tflop_per_second
from upsampling_artifacts.benchmarks.steps import COLUMNS, Setting, measure_steps, start
from upsampling_artifacts.models.flops import tflop_per_second_of_audio

RATE_HZ = 1000
OPTIONS = {
    "batch_size": 4, "segment_seconds": 0.512, "learning_rate": 0.01, "weight_decay": 0.0,
    "accelerator": "cpu", "precision": "32-true", "devices": 1, "threads": 1,
    "gradient_accumulation": 1, "activation_checkpointing": False,
}  # fmt: skip


def system(upsampler: str, length: int, **options: object) -> dict:
    return {
        "architecture": "demucs",
        "options": {"channels": 8, "depth": 2},
        "upsampler": {"name": upsampler, "length": length, **options},
    }


SYSTEMS = {
    "mine": system("nearest", 9, implementation="plain"),
    "demucs_transposed": system("transposed", 8),
    "demucs_linear": system("linear", 9),
    "no_choice": {
        "architecture": "wave_unet",
        "options": {"filters": 4, "depth": 3},
        "upsampler": {"name": "linear", "length": None},
    },
}


def measured(
    folder: Path,
    systems: dict[str, dict],
    references: dict[str, str] | None = None,
    **changes: object,
) -> pd.DataFrame:
    path = folder / "benchmarks/steps.csv"
    measure_steps(
        path, systems, dict.fromkeys(systems, "demucs_transposed") | (references or {}),
        dict.fromkeys(systems, OPTIONS | changes), dict.fromkeys(systems, 30),
        n_sources=2, rate_hz=RATE_HZ, seconds_per_run=0.0,
    )  # fmt: skip
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return measured(tmp_path_factory.mktemp("results"), SYSTEMS)


def test_a_row_for_each_system_and_implementation(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    rows = list(zip(table["system"], table["implementation"], strict=True))
    assert sorted(rows) == sorted(
        [("mine", kind) for kind in ("plain", "fused", "auto")]
        + [("demucs_linear", kind) for kind in ("plain", "fused", "auto")]
        + [("demucs_transposed", "-"), ("no_choice", "-")]
    )
    assert list(dict.fromkeys(table["system"])) == list(SYSTEMS)
    assert table.notna().all(axis=None)
    assert (table["device"].eq("cpu") & table["threads"].eq(1) & table["batch"].eq(4)).all()


def test_times_and_ratios_fit_together(table: pd.DataFrame) -> None:
    for name, median in (("", "median_step_seconds"), ("ratio_", "ratio_to_transposed")):
        assert (table[f"{name}low_quartile"] > 0).all()
        assert table[f"{name}low_quartile"].le(table[median]).all()
        assert table[median].le(table[f"{name}high_quartile"]).all()
    reference = table["system"] == "demucs_transposed"
    assert table.loc[reference, "ratio_to_transposed"].eq(1).all()
    assert table.loc[~reference, "ratio_to_transposed"].ne(1).any()
    epochs = table["epoch_seconds"] / table["median_step_seconds"]
    np.testing.assert_allclose(epochs, 30, rtol=1e-3)
    per_second = table["tflop_per_step"] / table["median_step_seconds"]
    share = per_second / table["peak_tflop_per_second"]
    np.testing.assert_allclose(table["fraction_of_peak"], share, rtol=2e-3)
    assert share.between(0, 1).all()


def test_one_layer_takes_less_arithmetic_and_memory_than_two(table: pd.DataFrame) -> None:
    rows = table.set_index(["system", "implementation"])
    for name in ("mine", "demucs_linear"):
        for column in ("tflop_per_step", "peak_bytes"):
            assert rows.loc[(name, "fused"), column] < rows.loc[(name, "plain"), column]


def test_each_system_is_compared_with_the_reference_of_its_row(tmp_path: Path) -> None:
    references = {"no_choice": "no_choice", "demucs_linear": "mine"}
    table = measured(tmp_path, SYSTEMS, references).set_index(["system", "implementation"])
    ratios = table["ratio_to_transposed"]
    assert list(dict.fromkeys(table.index.get_level_values(0))) == list(SYSTEMS)
    assert ratios["demucs_transposed", "-"] == ratios["no_choice", "-"] == 1
    assert (ratios[["mine", "demucs_linear"]] > 0).all()


def test_without_transposed_the_first_is_the_reference(tmp_path: Path) -> None:
    table = measured(tmp_path, {name: SYSTEMS[name] for name in ("mine", "demucs_linear")})
    one = table[table["ratio_to_transposed"] == 1]
    # What config trains is what others are compared with.
    assert list(zip(one["system"], one["implementation"], strict=True)) == [("mine", "plain")]


def test_devices_share_a_batch(tmp_path: Path) -> None:
    table = measured(tmp_path, {"a": SYSTEMS["demucs_transposed"]}, devices=2)
    assert table["batch"].tolist() == [2]


class TakesTooMuch(nn.Module):
    """What a GPU says when its memory is too small, said on a CPU."""

    def __init__(self, *, n_sources: int, audio_channels: int):
        super().__init__()
        self.gain, self.n_sources = nn.Parameter(torch.ones(1)), n_sources

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        if self.training and not mixture.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.\nMore.")
        return self.gain * mixture[:, None].expand(-1, self.n_sources, -1, -1)


TOO_LARGE = {"architecture": f"{__name__}:TakesTooMuch", "options": {}, "upsampler": None}


@pytest.mark.parametrize("too_large", ["demucs_subpixel", "demucs_transposed"])
def test_a_system_that_does_not_fit_leaves_the_others_their_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, too_large: str
) -> None:
    names = ["demucs_transposed", "demucs_subpixel", "no_choice"]
    systems = {name: SYSTEMS.get(name) for name in names} | {too_large: TOO_LARGE}
    systems["demucs_subpixel"] = systems["demucs_subpixel"] or system("subpixel", 3)
    rows = measured(tmp_path, systems).set_index("system")
    assert np.isnan(rows.loc[too_large, "median_step_seconds"])
    others = rows.drop(index=too_large)
    assert list(rows.index) == names and (others["median_step_seconds"] > 0).all()
    said = f"{too_large}: not measured: CUDA out of memory. Tried to allocate 80.00 GiB."
    assert said in caplog.text and "More." not in caplog.text
    # Without the reference there is nothing to compare with.
    assert others["ratio_to_transposed"].isna().all() == (too_large == "demucs_transposed")


def test_a_step_trains_and_an_implementation_is_used() -> None:
    trainee = start(Setting(SYSTEMS["mine"], OPTIONS, n_sources=2, rate_hz=RATE_HZ))
    before = [weight.clone() for weight in trainee.model.parameters()]
    trainee.step("fused")
    assert any((a != b).any() for a, b in zip(before, trainee.model.parameters(), strict=True))
    layers = steps.layers_with_choice(trainee.model)
    assert {layer.implementation for layer in layers} == {"fused"} and len(layers) == 2
    trainee.step()
    assert {layer.implementation for layer in layers} == {"plain"}


def test_a_step_is_about_three_forward_passes() -> None:
    setting = Setting(SYSTEMS["demucs_transposed"], OPTIONS, n_sources=2, rate_hz=RATE_HZ)
    forward = tflop_per_second_of_audio(setting.build().to("meta"), RATE_HZ) * 4 * 0.512
    assert steps.count(setting, "")["-"] == pytest.approx(3 * forward, rel=0.1)


def test_the_peak_is_what_a_product_of_matrices_reaches() -> None:
    peak = peak_tflop_per_second("cpu", "32-true", 1)
    a = torch.randn(512, 512)
    own = 2 * 512**3 / min(timed(lambda: a @ a)[0] for _ in range(9)) / 1e12
    assert own / 5 < peak < 5 * own


def test_peak_memory_is_what_is_held_and_what_a_step_adds() -> None:
    weight = nn.Linear(1000, 500, bias=False)
    optimizer = torch.optim.Adam(weight.parameters())
    batch = (torch.randn(200, 1000),)

    def step() -> None:
        optimizer.zero_grad()
        weight(batch[0]).square().sum().backward()

    step()
    optimizer.step()
    size, activations = 4 * 1000 * 500, 4 * 200 * 500
    peak = peak_bytes(step, weight, optimizer, batch)
    held = 3 * size + 4 * 200 * 1000
    # The gradient of the weights, and beside it that of their output.
    assert held + size + activations <= peak < held + size + 4 * activations
