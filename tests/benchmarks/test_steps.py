"""Benchmark of training steps: real steps, one row each, consistent columns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from upsampling_artifacts.benchmarks import peak_flops
from upsampling_artifacts.benchmarks.interleaved import time_call
from upsampling_artifacts.benchmarks.memory import peak_bytes
from upsampling_artifacts.benchmarks.peak_flops import PEAK_REPEATS, peak_tflop_per_second
from upsampling_artifacts.benchmarks.step_comparison import Setting, start
from upsampling_artifacts.benchmarks.steps import COLUMNS, count_tflop, measure_steps
from upsampling_artifacts.models.flops import tflop_per_second_of_audio
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.upsamplers.fused import layers_with_choice

RATE_HZ = 1000
OPTIONS = TrainingOptions(
    epochs=1, batch_size=4, segment_seconds=0.512, stride_seconds=1.0, shift_seconds=0.0,
    remix_group=1, learning_rate=0.01, validate_every_epochs=1, accelerator="cpu",
    precision="32-true",
)  # fmt: skip


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
        dict.fromkeys(systems, replace(OPTIONS, **changes)), dict.fromkeys(systems, 30),
        n_sources=2, rate_hz=RATE_HZ, seconds_per_run=0.0,
    )  # fmt: skip
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return measured(tmp_path_factory.mktemp("results"), SYSTEMS)


def test_the_table_has_a_row_per_system_and_implementation(table: pd.DataFrame) -> None:
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


def test_times_ratios_and_flops_are_consistent(table: pd.DataFrame) -> None:
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


def test_fused_layers_need_fewer_flops_and_less_memory_than_plain_ones(table: pd.DataFrame) -> None:
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


def test_without_transposed_the_first_system_is_the_reference(tmp_path: Path) -> None:
    table = measured(tmp_path, {name: SYSTEMS[name] for name in ("mine", "demucs_linear")})
    ratios = table.set_index(["system", "implementation"])["ratio_to_transposed"]
    # The reference runs with its configured implementation. Another may be as fast.
    assert ratios["mine", "plain"] == 1
    assert (ratios != 1).any()


def test_several_devices_share_a_batch(tmp_path: Path) -> None:
    table = measured(tmp_path, {"a": SYSTEMS["demucs_transposed"]}, devices=2)
    assert table["batch"].tolist() == [2]


class TooLarge(nn.Module):
    """Raises, on the CPU, the error of a GPU that runs out of memory."""

    def __init__(self, *, n_sources: int, audio_channels: int):
        super().__init__()
        self.gain, self.n_sources = nn.Parameter(torch.ones(1)), n_sources

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        if self.training and not mixture.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.\nMore.")
        return self.gain * mixture[:, None].expand(-1, self.n_sources, -1, -1)


TOO_LARGE = {"architecture": f"{__name__}:TooLarge", "options": {}, "upsampler": None}


@pytest.mark.parametrize("too_large", ["demucs_subpixel", "demucs_transposed"])
def test_the_other_systems_are_measured_if_one_does_not_fit_into_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, too_large: str
) -> None:
    names = ["demucs_transposed", "demucs_subpixel", "no_choice"]
    systems = {name: SYSTEMS.get(name) for name in names} | {too_large: TOO_LARGE}
    systems["demucs_subpixel"] = systems["demucs_subpixel"] or system("subpixel", 3)
    rows = measured(tmp_path, systems).set_index("system")
    assert np.isnan(rows.loc[too_large, "median_step_seconds"])
    others = rows.drop(index=too_large)
    assert list(rows.index) == names and (others["median_step_seconds"] > 0).all()
    warning = f"{too_large}: not measured: CUDA out of memory. Tried to allocate 80.00 GiB."
    assert warning in caplog.text and "More." not in caplog.text
    # Without the reference, there is no ratio.
    assert others["ratio_to_transposed"].isna().all() == (too_large == "demucs_transposed")


def test_a_step_uses_the_requested_implementation() -> None:
    candidate = start(Setting(SYSTEMS["mine"], OPTIONS, n_sources=2, rate_hz=RATE_HZ))
    model = candidate.trainer.model
    before = [weight.clone() for weight in model.parameters()]
    candidate.step("fused")
    assert any((a != b).any() for a, b in zip(before, model.parameters(), strict=True))
    layers = layers_with_choice(model)
    assert {layer.implementation for layer in layers} == {"fused"} and len(layers) == 2
    candidate.step()
    assert {layer.implementation for layer in layers} == {"plain"}


def test_a_step_takes_the_flops_of_three_forward_passes() -> None:
    setting = Setting(SYSTEMS["demucs_transposed"], OPTIONS, n_sources=2, rate_hz=RATE_HZ)
    forward = tflop_per_second_of_audio(setting.build().to("meta"), RATE_HZ) * 4 * 0.512
    assert count_tflop(setting, "")["-"] == pytest.approx(3 * forward, rel=0.1)


def test_the_peak_is_the_speed_of_a_matrix_product() -> None:
    peak = peak_tflop_per_second("cpu", "32-true", 1)
    a = torch.randn(512, 512)
    own = 2 * 512**3 / min(time_call(lambda: a @ a)[0] for _ in range(9)) / 1e12
    assert own / 5 < peak < 5 * own


def test_the_peak_of_tf32_is_that_of_products_in_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions and LSTMs run in it, so a step could exceed the peak of float32."""
    seen = []

    def time_and_look(run: Callable[[], object]) -> tuple[float, object]:
        seen.append(torch.backends.cuda.matmul.allow_tf32)
        return time_call(run)

    monkeypatch.setattr(peak_flops, "time_call", time_and_look)
    for arithmetic in ("tf32", "32-true"):
        monkeypatch.setattr(peak_flops, "computed_in", lambda *_, name=arithmetic: name)
        peak_tflop_per_second.__wrapped__("cpu", "32-true", 1)
    assert seen == [True] * PEAK_REPEATS + [False] * PEAK_REPEATS
    assert not torch.backends.cuda.matmul.allow_tf32


def test_automatic_precision_is_timed_as_it_trains(tmp_path: Path) -> None:
    table = measured(tmp_path, {"a": SYSTEMS["demucs_transposed"]}, precision="auto")
    assert table["precision"].tolist() == ["32-true"]


def test_peak_memory_is_the_memory_held_plus_what_a_step_adds() -> None:
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
    # The step adds the gradient of the weights, and that of their output.
    assert held + size + activations <= peak < held + size + 4 * activations
