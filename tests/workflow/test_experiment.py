"""The results of the tiny experiment are complete and consistent."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from ..clone import TINY, Clone

EXCERPT = "The Easton Ellises - Falcon 69"


def test_table_1_has_the_ten_systems_of_the_paper_and_the_baselines(finished: Clone) -> None:
    table = pd.read_csv(finished.root / "results/tiny/table_1.csv")
    assert list(table.columns) == [
        "system", "sdr_db", "sdr_low_db", "sdr_high_db", "n_seeds", "epoch_seconds",
        "epoch_ratio", "steps_least", "steps_most", "precision", "parameters",
        "parameters_full_size", "gflop_per_second", "gflop_per_second_full_size", "paper_sdr_db",
        "paper_epoch_seconds", "paper_parameters_millions", "note",
    ]  # fmt: skip
    rows = table.set_index("system")
    assert list(rows.index) == [
        "demucs_transposed", "demucs_nearest", "demucs_linear", "demucs_subpixel",
        "modified_transposed", "modified_subpixel", "wave_unet", "demucs", "open_unmix",
        "sams_net", "ideal_ratio_mask", "mixture",
    ]  # fmt: skip
    ours = rows.loc[["demucs_transposed", "demucs_nearest"]]
    assert ours["sdr_db"].notna().all()
    assert ours["epoch_ratio"].iloc[0] == 1
    assert list(ours["parameters_full_size"]) == [703_148_208, 709_969_008]
    assert list(ours["gflop_per_second_full_size"]) == pytest.approx([34.87, 37.24], abs=0.01)
    assert ours["steps_least"].nunique() == ours["steps_most"].nunique() == 1
    assert rows.loc["wave_unet", ["sdr_db", "parameters"]].isna().all()
    assert rows.loc["mixture", "sdr_db"] < rows.loc["ideal_ratio_mask", "sdr_db"]


def test_scores_have_a_row_for_every_system_song_source_and_metric(finished: Clone) -> None:
    scores = pd.read_csv(finished.root / "results/tiny/scores.csv")
    assert list(scores.columns) == [
        "system", "seed", "song", "source", "metric", "value_db", "n_frames", "n_frames_scored",
        "remark",
    ]  # fmt: skip
    assert len(scores) == 4 * 2 * 4 * 4  # systems, songs, sources, metrics
    assert EXCERPT in set(scores["song"])
    assert (scores.groupby("song")[["n_frames", "n_frames_scored"]].nunique() == 1).all(axis=None)


def test_differences_are_paired_and_exclude_the_excerpt(finished: Clone) -> None:
    scores = pd.read_csv(finished.root / "results/tiny/scores.csv")
    table = pd.read_csv(finished.root / "results/tiny/sdr_differences.csv")
    assert set(table["system"]) == {"demucs_nearest"} and len(table) == 5
    row = table.iloc[0]
    assert (row["reference"], row["same_network"], row["source"]) == (
        "demucs_transposed", True, "mean of sources",
    )  # fmt: skip
    sdr = scores[(scores["metric"] == "SDR") & (scores["song"] != EXCERPT)]
    means = sdr.groupby("system")["value_db"].mean()
    difference_db = means["demucs_nearest"] - means["demucs_transposed"]
    assert row["difference_db"] == pytest.approx(difference_db, abs=1e-3)
    assert row["paper_difference_db"] == pytest.approx(-0.18)
    assert row["method"] == "no interval: one seed and one song"
    assert table[["low_db", "simultaneous_high_db"]].isna().all(axis=None)


def test_unscored_frames_have_a_row_for_every_run_song_source_and_tone(finished: Clone) -> None:
    table = pd.read_csv(finished.root / "results/tiny/unscored_frames.csv")
    assert len(table) == 4 * 2 * 4 * 2  # runs, songs, sources, tones
    assert set(table["frequency_hz"]) == {2000, 4000}
    assert (table["n_unscored"] == 0).all()  # every stem of the synthetic songs plays all the time


def test_table_1_excludes_the_excerpt(finished: Clone) -> None:
    scores = pd.read_csv(finished.root / "results/tiny/scores.csv")
    table = pd.read_csv(finished.root / "results/tiny/table_1.csv").set_index("system")
    sdr = scores[(scores["metric"] == "SDR") & (scores["system"] == "mixture")]
    own = sdr[sdr["song"] != EXCERPT]["value_db"].mean()
    assert table.loc["mixture", "sdr_db"] == pytest.approx(own, abs=1e-3)


def test_museval_reads_the_saved_scores(finished: Clone) -> None:
    from museval.aggregate import EvalStore

    run = finished.root / "results/tiny/variants/demucs_nearest/seed-0"
    store = EvalStore()
    store.add_eval_dir(run / "scores")
    by_museval = store.agg_frames_scores()
    for row in pd.read_csv(run / "scores.csv").itertuples():
        assert by_museval[row.song, row.source, row.metric] == pytest.approx(row.value_db, abs=1e-4)


def test_musdb_reads_the_synthetic_songs(finished: Clone) -> None:
    import musdb

    root = finished.root / "results/tiny/songs"
    splits = {
        split: musdb.DB(root=root, is_wav=True, setup_file="mus.yaml", subsets="train", split=split)
        for split in ("train", "valid")
    }
    assert {split: len(songs) for split, songs in splits.items()} == {"train": 2, "valid": 1}
    assert set(splits["valid"][0].sources) == {"drums", "bass", "other", "vocals"}


def test_finished_trainings_leave_no_checkpoint_and_no_partial_file(finished: Clone) -> None:
    names = [path.name for path in (finished.root / "results").rglob("*")]
    assert not [name for name in names if "unfinished" in name or name == "checkpoint.pt"]
    assert (finished.root / "logs/results/tiny/variants/demucs_nearest/seed-0/train.log").exists()


def test_the_report_embeds_its_figures_and_sounds(finished: Clone) -> None:
    text = (finished.root / "results/tiny/report.html").read_text()
    for content in ("Table 1", "demucs_nearest", "data:audio/flac", "data:image/webp"):
        assert content in text


def test_snakemakes_own_report_can_be_created(finished: Clone) -> None:
    result = finished.snakemake("--configfile", TINY, "--report", "snakemake-report.zip")
    assert result.returncode == 0, result.stdout
    with zipfile.ZipFile(finished.root / "snakemake-report.zip") as archive:
        shown = [Path(name) for name in archive.namelist() if "/data/" in name]
    # Other formats, it would offer for download only.
    assert {path.suffix for path in shown} == {".html", ".png", ".svg"}
    tables = ["after_training", "claims", "remedies_summary", "sdr_differences", "table_1"]
    assert sorted(path.stem for path in shown if path.suffix == ".html") == tables


def test_the_training_log_shows_progress_and_the_csv_has_a_row_per_epoch(finished: Clone) -> None:
    log = finished.root / "logs/results/tiny/variants/demucs_transposed/seed-0/train.log"
    assert "left" in log.read_text()
    rows = json.loads(
        pd.read_csv(
            finished.root / "results/tiny/variants/demucs_transposed/seed-0/training.csv"
        ).to_json(orient="records")
    )
    assert [set(row) for row in rows] == [
        {"step", "train_loss", "valid_loss", "steps_per_second", "waiting_percent", "seconds"}
    ] * 2


def test_measures_cover_systems_stacks_user_supplied_models_and_trained_variants(
    finished: Clone,
) -> None:
    probes = finished.root / "results/tiny/probes"
    measures = pd.read_csv(probes / "measures.csv")
    columns = [
        "model",
        "seed",
        "stage",
        "signal",
        "layer",
        "measure",
        "frequency_hz",
        "value",
        "unit",
    ]
    assert list(measures.columns) == columns
    expected = {"melgan", "demucs_linear", "modified_subpixel", "stack_subpixel_icnr", "hdemucs"}
    assert expected < set(measures["model"])
    assert set(measures["stage"]) == {"initialization"}
    signals = measures[measures["layer"] == "output"].groupby("model")["signal"].unique()
    systems = {"silence", "ones", "noise", "sweep", "music"}
    for model in ("melgan", "demucs_nearest"):
        assert set(signals[model]) == systems
    assert set(signals["hdemucs"]) == systems | {"sines", "quiet_sines"}
    variants = pd.read_csv(probes / "variants.csv")
    assert list(variants.columns) == [
        *columns, "song", "arithmetic", "implementation", "precision", "source", "step",
    ]  # fmt: skip
    ran = variants[variants["model"] == "demucs_nearest"]
    assert {"separation", "reference"} <= set(ran["arithmetic"])
    before = {"silence", "near_silence", "noise", "sweep", "music"}
    after = before | {"impulses", "speech", "quiet", "excerpt"}
    while_training = {"silence", "near_silence", "noise"}
    for stage, fed in (
        ("initialization", before), ("training", while_training), ("trained", after)
    ):  # fmt: skip
        assert set(variants.loc[variants["stage"] == stage, "signal"]) == fed
    assert set(variants["source"].dropna()) == {"drums", "bass", "other", "vocals"}
    table = pd.read_csv(finished.root / "results/tiny/after_training.csv")
    assert set(table["signal"]) == after
    assert len(table) == 2 * len(after)
    steps = variants.groupby("stage")["step"].unique().map(sorted).to_dict()
    assert steps.pop("trained") in ([2], [4], [2, 4])  # the better of two epochs
    assert steps == {"initialization": [0], "training": [1, 2, 3, 4]}
    assert set(variants["model"]) == {"demucs_transposed", "demucs_nearest"}


def test_the_tone_over_training_has_a_row_per_system_signal_and_step(finished: Clone) -> None:
    table = pd.read_csv(finished.root / "results/tiny/over_training.csv")
    # Initialization, four snapshots, and the weights that training keeps.
    assert len(table) == 2 * 3 * 6
    assert (table["frequency_hz"] == 2000).all()
    steps = table[(table["system"] == "demucs_nearest") & (table["signal"] == "noise")]["step"]
    assert steps.tolist() == sorted(steps) and set(steps) == {0, 1, 2, 3, 4}
    folder = finished.root / "results/tiny/variants/demucs_nearest/seed-0/snapshots"
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    assert names == [f"step-000000{step}.safetensors" for step in (1, 2, 3, 4)]


def test_every_claim_of_the_paper_has_a_verdict(finished: Clone) -> None:
    claims = pd.read_csv(finished.root / "results/tiny/claims.csv")
    assert list(claims.columns) == [
        "claim", "section", "statement", "measure", "value", "low", "high", "threshold", "holds",
        "must_be", "unit", "n_seeds", "kind", "n_songs", "n_comparisons", "verdict",
    ]  # fmt: skip
    # With one seed and one song, a difference in SDR has no interval, and C17 no number.
    assert set(claims["claim"]) == {f"C{number}" for number in range(1, 20) if number != 17}
    assert set(claims["kind"]) == {"theorem", "measurement", "reading"}
    # These hold for networks of any size.
    assert claims.loc[claims["kind"] == "theorem", "holds"].all()
    for claim in ("C2", "C5", "C8", "C9"):
        assert claims.loc[claims["claim"] == claim, "holds"].all(), claim


def test_the_figures_of_the_paper_are_drawn_and_in_the_report(finished: Clone) -> None:
    results = finished.root / "results/tiny"
    page = (results / "report.html").read_text()
    for number in range(1, 10):
        for kind in ("png", "svg"):
            assert (results / f"figures/figure_{number}.{kind}").stat().st_size > 5000
        assert f"Figure {number}." in page
    assert (
        "Layers that change the rate; tones are at multiples of rate / period" in page
    )  # summary of the user-supplied model


def test_the_papers_figures_are_made_before_the_songs(finished: Clone) -> None:
    log = max(
        (finished.root / ".snakemake/log").glob("*.log"), key=lambda path: path.stat().st_size
    )
    started = re.findall(r"^(?:local)?rule (\w+):$", log.read_text(), re.MULTILINE)
    latest = max(index for index, rule in enumerate(started) if rule == "probe_system")
    assert started.index("song") > latest
