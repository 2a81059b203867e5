"""Table 1: its rows, their order, and the numbers in them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from upsampling_artifacts.evaluation import scoring, table_1
from upsampling_artifacts.evaluation.table_1 import (
    COLUMNS,
    epoch_durations,
    parameters_and_gflop,
    write_table_1,
)
from upsampling_artifacts.models.saved import save_model

PAPER = pd.DataFrame(
    [
        ("demucs_transposed", "Transposed", 5.35, 319, 703),
        ("demucs_nearest", "Nearest", 5.17, 423, 716),
        ("open_unmix", "Open-Unmix", 5.36, np.nan, 8.9),
    ],
    columns=[
        "system", "label", "paper_sdr_db", "paper_epoch_seconds", "paper_parameters_millions",
    ],
)  # fmt: skip


def system(upsampler: str, length: int, **options: object) -> dict:
    return {
        "architecture": "demucs",
        "options": {"channels": 4, "depth": 2} | options,
        "upsampler": {"name": upsampler, "length": length},
        "sources": ["drums", "bass"],
        "audio_channels": 2,
        "rate_hz": 8000,
    }


SYSTEMS = {"demucs_nearest": system("nearest", 9), "ours": system("subpixel", 3)}
FULL_SIZE = {
    "demucs_nearest": system("nearest", 9, channels=100, depth=6),
    "ours": system("subpixel", 3, channels=100, depth=6),
}


def log(n_epochs: int) -> pd.DataFrame:
    """Return a training log with 30 steps per epoch."""
    return pd.DataFrame({"step": 30 * np.arange(1, n_epochs + 1)})


# Each system is timed interleaved with transposed convolution, whose time thus varies.
SPEED = pd.DataFrame(
    [
        ("demucs_transposed", "-", 0.2, 1.0, 6.0),
        ("demucs_nearest", "plain", 0.4, 1.6, 12.0),
        ("demucs_nearest", "fused", 0.3, 1.2, 9.0),
        ("demucs_nearest", "auto", 0.28, 1.1, 8.4),
        ("ours", "-", 0.1, 0.9, 1.5),  # larger batches: half as many steps
    ],
    columns=[
        "system", "implementation", "median_step_seconds", "ratio_to_transposed", "epoch_seconds",
    ],
)  # fmt: skip


def scores(by_run: dict[tuple[str, int], float]) -> pd.DataFrame:
    rows = [
        (name, seed, song, source, "SDR", value + (50 if song == "excerpt" else 0), 1, 1, None)
        for (name, seed), value in by_run.items()
        for source in ("drums", "bass")
        for song in ("s", "excerpt")
    ]
    return pd.DataFrame(rows, columns=scoring.COLUMNS)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    by_run = {
        ("mixture", 0): -3.0,
        ("demucs_nearest", 0): 4.0,
        ("demucs_nearest", 1): 5.0,
        ("demucs_nearest", 2): 6.0,
        ("ours", 0): 2.0,
    }
    logs = {("demucs_nearest", seed): log(2) for seed in range(3)} | {("ours", 0): log(1)}
    notes = {"ours": "a note", "open_unmix": "not trained here"}
    return build(scores(by_run), logs, notes=notes)


REFERENCES = dict.fromkeys(["demucs_transposed", *SYSTEMS], "demucs_transposed")


def build(
    score_table: pd.DataFrame,
    logs: dict,
    notes: dict | None = None,
) -> pd.DataFrame:
    return table_1.table_1(
        score_table, logs, SPEED, SYSTEMS, FULL_SIZE, PAPER, ["s"], notes or {}, REFERENCES
    )


def row(table: pd.DataFrame, name: str) -> pd.Series:
    return table.set_index("system").loc[name]


def test_rows_are_the_papers_systems_then_ours_then_baselines(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert table["system"].tolist() == [
        "demucs_transposed", "demucs_nearest", "open_unmix", "ours", "mixture",
    ]  # fmt: skip


def test_sdr_is_the_mean_over_seeds_with_an_interval_over_the_included_songs(table) -> None:
    nearest = row(table, "demucs_nearest")
    assert nearest["sdr_db"] == 5
    half = 4.30265 / np.sqrt(3)
    assert nearest["sdr_low_db"] == pytest.approx(5 - half, abs=1e-4)
    assert nearest["sdr_high_db"] == pytest.approx(5 + half, abs=1e-4)
    assert table["n_seeds"].fillna(0).tolist() == [0, 3, 0, 1, 1]
    assert row(table, "mixture")["sdr_db"] == -3
    assert pd.isna(row(table, "ours")["sdr_low_db"])


def test_numbers_not_measured_or_not_published_are_missing(table: pd.DataFrame) -> None:
    ours = [column for column in COLUMNS if column != "system" and "paper" not in column]
    assert row(table, "open_unmix")[ours].isna().all()
    papers = [column for column in COLUMNS if "paper" in column]
    assert row(table, "ours")[papers].isna().all()
    assert row(table, "mixture")[[*papers, "epoch_seconds", "parameters"]].isna().all()
    assert row(table, "demucs_nearest")[papers].tolist() == [5.17, 423, 716]


def test_a_note_is_shown_only_for_systems_trained_here(table: pd.DataFrame) -> None:
    assert table.set_index("system")["note"].dropna().to_dict() == {"ours": "a note"}


def test_epoch_durations_are_those_of_the_trained_implementation() -> None:
    systems = SYSTEMS | {"demucs_transposed": system("transposed", 8)}
    for implementation, ratio in (("auto", 1.1), ("plain", 1.6)):
        upsampler = {"name": "nearest", "length": 9, "implementation": implementation}
        systems["demucs_nearest"] = SYSTEMS["demucs_nearest"] | {"upsampler": upsampler}
        durations = epoch_durations(SPEED, systems, REFERENCES)
        assert durations.index.is_unique
        # Not the 8.4 and 12 s that were timed at other times than the reference.
        assert durations.loc["demucs_nearest"].tolist() == pytest.approx([6 * ratio, ratio])
    assert durations.loc["demucs_transposed"].tolist() == [6, 1]
    # The step ratio from interleaved timing, times the ratio of steps per epoch.
    assert durations.loc["ours"].tolist() == pytest.approx([6 * 0.9 * 15 / 30, 0.9 * 15 / 30])


def test_systems_without_a_benchmark_have_no_epoch_duration(table: pd.DataFrame) -> None:
    assert row(table, "mixture")[["epoch_seconds", "epoch_ratio"]].isna().all()
    assert row(table, "open_unmix")[["epoch_seconds", "epoch_ratio"]].isna().all()


def test_the_implementation_defaults_to_auto(table: pd.DataFrame) -> None:
    assert row(table, "demucs_nearest")["epoch_seconds"] == pytest.approx(6.6)


def test_without_the_reference_the_ratio_is_missing() -> None:
    speed = SPEED[SPEED["system"] != "demucs_transposed"]
    durations = epoch_durations(speed, SYSTEMS, REFERENCES)
    assert durations["epoch_ratio"].isna().all()
    assert durations["epoch_seconds"].to_dict() == {"demucs_nearest": 8.4, "ours": 1.5}


def test_a_system_that_did_not_fit_into_memory_has_no_epoch_duration() -> None:
    speed = SPEED.assign(ratio_to_transposed=np.nan)
    speed.loc[0, ["median_step_seconds", "epoch_seconds"]] = np.nan
    durations = epoch_durations(speed, SYSTEMS, REFERENCES)
    assert durations["epoch_ratio"].isna().all()
    assert durations["epoch_seconds"].isna().to_dict() == {
        "demucs_transposed": True, "demucs_nearest": False, "ours": False,
    }  # fmt: skip


def test_parameters_are_counted_as_built_and_at_full_size(table: pd.DataFrame) -> None:
    nearest = row(table, "demucs_nearest")
    assert nearest["parameters"] == parameters_and_gflop(SYSTEMS["demucs_nearest"], 2, 2, 8000)[0]
    full = parameters_and_gflop(FULL_SIZE["demucs_nearest"], 2, 2, 8000)[0]
    assert nearest["parameters_full_size"] == full > 700_000_000
    for column in ("n_seeds", "parameters", "parameters_full_size"):
        assert table[column].dtype == "Int64"


def test_steps_are_those_of_the_shortest_and_the_longest_training_run(table: pd.DataFrame) -> None:
    longer = build(scores({}), {("ours", seed): log(n) for seed, n in enumerate((1, 3, 2))})
    assert row(longer, "ours")[["steps_least", "steps_most"]].tolist() == [30, 90]
    assert row(table, "demucs_nearest")[["steps_least", "steps_most"]].tolist() == [60, 60]


def test_compute_is_counted_as_built_and_at_full_size(table: pd.DataFrame) -> None:
    nearest = row(table, "demucs_nearest")
    assert (
        nearest["gflop_per_second"]
        == parameters_and_gflop(SYSTEMS["demucs_nearest"], 2, 2, 8000)[1]
    )
    assert nearest["gflop_per_second_full_size"] == pytest.approx(37.1, abs=0.3)  # four sources
    assert row(table, "ours")["gflop_per_second"] < nearest["gflop_per_second"]
    assert table["gflop_per_second"].notna().sum() == 2


def test_compute_is_proportional_to_the_sampling_rate() -> None:
    slow, fast = (
        parameters_and_gflop(SYSTEMS["ours"], 2, 2, rate_hz)[1] for rate_hz in (8000, 32000)
    )
    assert fast == pytest.approx(4 * slow, rel=0.01)


class ReadsValues(torch.nn.Module):
    """A user-supplied model that reads values and cannot run on the meta device."""

    def __init__(self, n_sources: int, audio_channels: int):
        super().__init__()
        self.n_sources, self.gain = n_sources, torch.nn.Parameter(torch.ones(1))

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        return self.gain.item() * mixture[:, None].expand(-1, self.n_sources, -1, -1)


def test_the_compute_of_a_model_that_cannot_run_on_the_meta_device_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    user_supplied = {"architecture": f"{__name__}:ReadsValues", "options": {}, "upsampler": None}
    parameters, gflop = parameters_and_gflop(user_supplied, 2, 2, 8000)
    assert parameters == 1 and np.isnan(gflop)
    assert "ReadsValues" in caplog.text


def test_parameters_depend_on_sources_and_channels() -> None:
    weights_per_channel = 4 * 9  # of an output channel; its bias is one more parameter
    a, b = (parameters_and_gflop(SYSTEMS["demucs_nearest"], n, 1, 8000)[0] for n in (2, 3))
    assert b - a == weights_per_channel + 1


def test_a_run_that_could_not_be_scored_does_not_count_and_the_note_says_why() -> None:
    values = {("demucs_nearest", 0): 4.0, ("demucs_nearest", 10): 5.0, ("ours", 0): 3.0}
    complete = scores(values)
    faulty = complete.assign(remark=None)
    lost = (faulty["system"] == "demucs_nearest") & (faulty["seed"] == 10)
    faulty.loc[lost, "value_db"] = np.nan
    faulty.loc[lost, "remark"] = "not scored: the estimate of bass is silent"
    before, after = (build(x, {}, notes={"demucs_nearest": "a note"}) for x in (complete, faulty))
    nearest = row(after, "demucs_nearest")
    assert (nearest["sdr_db"], nearest["n_seeds"]) == (4.0, 1)
    remark = "seed 10, s: not scored: the estimate of bass is silent"
    assert nearest["note"] == f"a note; {remark}"
    others = (table[table["system"] != "demucs_nearest"] for table in (before, after))
    pd.testing.assert_frame_equal(*others)


def test_the_table_is_written_from_files(tmp_path: Path) -> None:
    for seed in (0, 10):
        folder = tmp_path / "variants" / "demucs_nearest" / f"seed-{seed}"
        weights = {"weight": torch.zeros(1)}
        save_model(folder / "model.safetensors", weights, SYSTEMS["demucs_nearest"])
        log(2).to_csv(folder / "training.csv", index=False)
    runs = sorted((tmp_path / "variants" / "demucs_nearest").iterdir())
    scores({("demucs_nearest", 0): 4.0, ("demucs_nearest", 10): 5.0}).to_csv(
        tmp_path / "scores.csv", index=False
    )
    PAPER.to_csv(tmp_path / "paper.csv", index=False)
    SPEED.to_csv(tmp_path / "steps.csv", index=False)
    write_table_1(
        tmp_path / "scores.csv",
        [str(run / "training.csv") for run in runs],
        tmp_path / "steps.csv",
        [str(run / "model.safetensors") for run in runs],
        tmp_path / "paper.csv",
        tmp_path / "table_1.csv",
        ["s"],
        FULL_SIZE,
        {"demucs_nearest": "a note"},
        REFERENCES,
    )
    table = pd.read_csv(tmp_path / "table_1.csv")
    nearest = row(table, "demucs_nearest")
    assert (nearest["sdr_db"], nearest["epoch_seconds"], nearest["n_seeds"]) == (4.5, 6.6, 2)
    assert nearest["note"] == "a note"
    assert "709969008" not in (tmp_path / "table_1.csv").read_text()  # two sources, not four
    expected = parameters_and_gflop(FULL_SIZE["demucs_nearest"], 2, 2, 8000)[0]
    assert f",{expected}," in (tmp_path / "table_1.csv").read_text()
