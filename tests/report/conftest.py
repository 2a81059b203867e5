"""A small experiment with known numbers, made without running the pipeline, and a browser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data.cached_song import CHECKSUM, cache_checksum
from upsampling_artifacts.evaluation.claims import VERDICT_COLUMNS
from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.evaluation.sdr_differences import COLUMNS as DIFFERENCE_COLUMNS
from upsampling_artifacts.evaluation.unscored_frames import COLUMNS as UNSCORED_COLUMNS
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.after_training import draw_after_training
from upsampling_artifacts.figures.layer_speed import draw_layer_speed
from upsampling_artifacts.figures.layers import PANELS, draw_layers
from upsampling_artifacts.figures.line_levels import draw_line_levels
from upsampling_artifacts.figures.loss_gradients import loss_gradients
from upsampling_artifacts.figures.ones import draw_ones
from upsampling_artifacts.figures.over_training import draw_over_training
from upsampling_artifacts.figures.probe import probe_spectrograms
from upsampling_artifacts.figures.remedies import draw_remedies
from upsampling_artifacts.figures.sdr_differences import draw_sdr_differences
from upsampling_artifacts.figures.source_scores import draw_source_scores
from upsampling_artifacts.figures.spectrograms import draw_spectrograms
from upsampling_artifacts.figures.step_speed import draw_step_speed
from upsampling_artifacts.figures.tone_margins import draw_tone_margins
from upsampling_artifacts.figures.trade_offs import draw_trade_offs
from upsampling_artifacts.figures.training_curves import draw_training_curves
from upsampling_artifacts.probes.after_training import write_after_training
from upsampling_artifacts.probes.figure_arrays import ones_arrays
from upsampling_artifacts.probes.measures_table import GRADIENT_COLUMNS, LOSS_OUTPUT_COLUMNS
from upsampling_artifacts.probes.over_training import write_over_training
from upsampling_artifacts.probes.tone_seconds import COLUMNS as TONE_COLUMNS
from upsampling_artifacts.report.files import ReportFiles
from upsampling_artifacts.report.page import write_report

from ..figures.test_loss_gradients import make_arrays
from ..figures.test_remedies import make_summary
from ..looks import make_looks
from ..measures import as_measures, make_lines
from ..speeds import make_layers, make_steps
from .browser import ARGUMENTS, CHROMIUM

RATE_HZ = 8000
SONG, EXCERPT = "Someone - A <Song> & more", "Someone Real - A Real Song"
SYSTEMS = ["demucs_transposed", "demucs_nearest", "modified_transposed", "my_upsampler"]
SOURCES = ["drums", "bass"]
LISTEN_SECONDS = 2.0
STEPS = {
    ("demucs_transposed", "-"): 1.0,
    ("demucs_nearest", "plain"): 1.5,
    ("demucs_nearest", "fused"): 1.1,
    ("demucs_nearest", "auto"): 1.07,
    ("modified_transposed", "-"): 0.97,
    ("my_upsampler", "-"): np.nan,
}
# Speed-up of the fused layer by interpolation, channels and samples. At 1000 samples auto fuses.
LAYERS = {
    ("nearest", 64, 1000): 1.5,
    ("nearest", 128, 100): 0.8,
    ("nearest", 128, 1000): 2.5,
    ("nearest", 256, 4000): 3.0,
    ("linear", 128, 100): 1.25,
}
PAPER = Path(__file__).parents[2] / "config/paper_table_1.csv"
REFERENCE = Path(__file__).parents[2] / "results/reference"
LOOKS = make_looks(*SYSTEMS)
ALL_LOOKS = make_looks(*SYSTEMS, *pd.read_csv(PAPER)["system"], "demucs_sinc", "demucs_subpixel")


@dataclass(frozen=True)
class Report:
    """The page, with the files and the configuration that it was generated from."""

    path: Path
    files: ReportFiles
    config: dict

    @property
    def html(self) -> str:
        return self.path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("results") / "tiny"
    files = make_files(folder)
    config = {
        "systems": {
            name: {
                "architecture": "demucs", "options": {}, "training": {},
                "modified_from": look["modified_from"],
            }
            for name, look in LOOKS.items()
        },
        "experiment": "tiny", "preview": False, "dataset": "synthetic", "size": "demo",
        "variants": SYSTEMS,
        "seeds": [0, 1, 2], "rate_hz": RATE_HZ, "sources": SOURCES,
        "exclude_songs": ["Bad <one>"],
        "training": {"epochs": 3, "minutes": None, "precision": "auto"},
        "separation": {"n_shifts": 0},
        "report": {"listen_seconds": LISTEN_SECONDS},
        "loss_study": {"losses": ["l1", "deep_features"]},
        "probes": {
            "size": "figures", "seeds": [0, 1, 2], "n_seeds_small_models": 10, "signal_seconds": 4,
            "system_seconds": 1.5,
        },
    }  # fmt: skip
    write_report(
        folder / "report.html",
        folder / "provenance.json",
        files,
        config,
        ALL_LOOKS,
        test_songs=[SONG],
        excerpt=EXCERPT,
        tone_hz=2000.0,
        repository=Path(__file__).parents[2],
    )
    return Report(folder / "report.html", files, config)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium, offline; skips if there is none."""
    if CHROMIUM is None:
        pytest.skip("NOT TESTED IN A BROWSER: no Chromium on PATH (see tests/install_browser.sh)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def make_files(folder: Path) -> ReportFiles:
    folder.mkdir(parents=True)
    (folder / "probes").mkdir()
    for name in ("variants", "measures"):
        make_variants().to_csv(folder / f"probes/{name}.csv", index=False)
    write_after_training(folder / "probes/variants.csv", folder / "after_training.csv", 2000.0)
    write_over_training(folder / "probes/variants.csv", 2000.0, folder / "over_training.csv")
    make_scores().to_csv(folder / "scores.csv", index=False)
    make_table_1().to_csv(folder / "table_1.csv", index=False)
    make_sdr_differences().to_csv(folder / "sdr_differences.csv", index=False)
    make_unscored_frames().to_csv(folder / "unscored_frames.csv", index=False)
    loading = {"segments_per_second": 456.7, "low_quartile": 400.0, "high_quartile": 500.0}
    loading |= {"repeats": 9, "segment_seconds": 10.0, "rate_hz": 44100, "stems": 4}
    readers = ("cache", "augmented", "soundfile", "musdb_wav", "musdb_mp4")
    pd.DataFrame([{"reader": reader, **loading} for reader in readers]).to_csv(
        folder / "loading.csv", index=False
    )
    make_steps(STEPS).to_csv(folder / "steps.csv", index=False)
    make_layers(LAYERS, min_fused=500).to_csv(folder / "upsamplers.csv", index=False)
    make_manifest().to_csv(folder / "manifest.csv", index=False)
    probes = make_probes(folder)
    return ReportFiles(
        variants=str(folder / "probes/variants.csv"),
        measures=str(folder / "probes/measures.csv"),
        over_training=str(folder / "over_training.csv"),
        **make_tone_seconds(folder),
        claims=str(make_claims(folder)),
        after_training=str(folder / "after_training.csv"),
        gradients=str(make_gradients(folder)),
        scores=str(folder / "scores.csv"),
        table_1=str(folder / "table_1.csv"),
        sdr_differences=str(folder / "sdr_differences.csv"),
        unscored_frames=str(folder / "unscored_frames.csv"),
        loading=str(folder / "loading.csv"),
        steps=str(folder / "steps.csv"),
        upsamplers=str(folder / "upsamplers.csv"),
        manifest=str(folder / "manifest.csv"),
        paper=str(PAPER),
        figures=make_figures(folder, probes),
        models=[str(make_model(folder))],
        song=str(make_song(folder)),
        estimates=[str(make_estimates(folder, system)) for system in SYSTEMS],
        spectra=probes,
        patterns={
            "probes": str(folder / "variants/*/seed-0/probe/*.npz"),
            "training": str(folder / "variants/*/seed-*/training.csv"),
            "estimates": str(folder / "variants/*/seed-0/estimates/test/*/*.wav"),
            "benchmarks": str(folder / "benchmarks/**/*.tsv"),
        },
        remedies=str(make_remedies(folder)),
        loss_outputs=str(make_loss_outputs(folder)),
        benchmarks={"train": [str(make_benchmark(folder)), str(folder / "lost.tsv")]},
        reference=str(REFERENCE / "one_gpu"),
        full_size=str(REFERENCE / "full_size"),
    )


def make_tone_seconds(folder: Path) -> dict[str, str]:
    """Transposed: an audible tone, 12 dB louder before training. Nearest: none. Modified: silent.
    The user's own: chance."""
    seconds = np.zeros((len(SYSTEMS), RATE_HZ), np.float32)
    seconds[0] = 0.003 * np.tile([1.0, 1.0, -1.0, -1.0], RATE_HZ // 4)
    seconds[1] = 1e-5 * np.random.default_rng(0).standard_normal(RATE_HZ)
    tones = [(-50.0, 20.0, 20.0), (-130.0, -60.0, -60.0), (-np.inf,) * 3, (-60.0, 10.0, -5.0)]
    stages = {
        ("silence", "", "initialization"): 12.0, ("silence", "", "trained"): 0.0,
        ("music", SONG, "trained"): 0.0,
    }  # fmt: skip
    rows = [
        (signal, song, "bass", 1, 0.5, stage, system, *(value_db + more_db for value_db in tone))
        for (signal, song, stage), more_db in stages.items()
        for system, tone in zip(SYSTEMS, tones, strict=True)
    ]
    audio = np.concatenate([seconds * 10 ** (more_db / 20) for more_db in stages.values()])
    spectrograms = [spectrogram_db(second[None], RATE_HZ) for second in audio]
    paths = {"tones": folder / "tone_seconds.csv", "tone_arrays": folder / "tone_seconds.npz"}
    pd.DataFrame(rows, columns=TONE_COLUMNS).to_csv(paths["tones"], index=False)
    np.savez(
        paths["tone_arrays"],
        rate_hz=RATE_HZ,
        frequencies_hz=spectrograms[0][0],
        audio=audio,
        level_db=np.array([level_db for *_, level_db in spectrograms], np.float16),
    )
    return {name: str(path) for name, path in paths.items()}


def make_gradients(folder: Path) -> Path:
    """L1: no tone, and a power that is exactly constant. The user's own: a tone and a pattern."""
    values = {
        "l1": (-45.0, 5.0, 0.5, -np.inf, np.nan, np.nan),
        "my_losses:Mine": (-20.0, 30.0, 0.005, -20.0, 30.0, 0.005),
    }
    measures = [
        (f"{kind}_{name}", 0 if name == "chance" else 1)
        for kind in ("gradient", "gradient_power")
        for name in ("level", "prominence", "chance")
    ]
    rows = [
        (loss, seed, frequency_hz, measure, value + spread * (seed - 1), "")
        for loss, numbers in values.items()
        for seed in range(3)
        for frequency_hz in (500.0, 2000.0)
        for (measure, spread), value in zip(measures, numbers, strict=True)
    ]
    path = folder / "losses/gradients.csv"
    path.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=GRADIENT_COLUMNS).to_csv(path, index=False)
    return path


def make_remedies(folder: Path) -> Path:
    path = folder / "remedies_summary.csv"
    make_summary().to_csv(path, index=False)
    return path


def make_loss_outputs(folder: Path) -> Path:
    """With deep features, transposed convolutions: 6 dB louder at rate / 4 in near-silence only.
    Nearest: nothing but chance."""
    rows = [
        (
            system, loss, seed, signal, frequency_hz, "line_level",
            -70.0 + 3 * seed + 0.1 * seed * (loss == "deep_features")
            + 6 * (f"{loss} {signal} {frequency_hz:g}" == "deep_features near_silence 2000"
                   and system == "demucs_transposed"),
            "dB",
        )
        for system in ("demucs_transposed", "demucs_nearest")
        for loss in ("l1", "deep_features")
        for seed in range(3)
        for signal in ("silence", "near_silence", "noise")
        for frequency_hz in (500.0, 2000.0)
    ]  # fmt: skip
    path = folder / "losses/outputs.csv"
    pd.DataFrame(rows, columns=LOSS_OUTPUT_COLUMNS).to_csv(path, index=False)
    return path


def make_claims(folder: Path) -> Path:
    """One measurement holds, one does not, and the interval of one includes the threshold."""
    path = folder / "claims.csv"
    nan = float("nan")
    rows = [
        ("C1", "1", "It has <a> tone.", "prominence of x", 30, 25, 35, 10, True, "above", "dB", 3,
         "measurement", 1, 2, "holds"),
        ("C1", "1", "It has none.", "prominence of y", 30, 25, 35, 10, False, "below", "dB", 3,
         "measurement", 1, 2, "does not hold"),
        ("C7", "3", "Both are equal.", "error of x", 8e-14, nan, nan, 1e-12, True, "below", "1", 10,
         "theorem", 1, 1, "holds"),
        ("C9", "5", "It has lines.", "lines of x", 1, 0, 2, 0.5, False, "above", "lines", 10,
         "measurement", 4, 1, "undecided"),
        ("C12", "5", "No ReLU: weaker by", "level of x", 30, 25, 35, 10, True, "above", "dB", 9,
         "reading", 1, 1, "holds"),
        ("C12", "5", "No bias: weaker by", "level of y", 7, 6, 8, 10, False, "above", "dB", 9,
         "reading", 1, 1, "does not hold"),
        ("C12", "5", "No bias: valley", "depth of y", -1, -2, 0, -3, True, "above", "dB", 9,
         "reading", 1, 1, "holds"),
    ]  # fmt: skip
    pd.DataFrame(rows, columns=VERDICT_COLUMNS).to_csv(path, index=False)
    return path


def make_model(folder: Path) -> Path:
    path = folder / "probes/models/my_vocoder"
    path.mkdir(parents=True)
    (path / "summary.txt").write_text("my_vocoder: <no> tone\n")
    levels_db = np.linspace(-90, -20, 65 * 20, dtype=np.float32).reshape(65, 20)
    spectrogram = np.linspace(0, 4000, 65), np.linspace(0, 4, 20), levels_db
    figure = probe_spectrograms({"noise": spectrogram}, [2000.0], {}, path.name)
    style.save_figure(figure, [path / "spectrograms.svg"])
    return path


def make_tones() -> pd.DataFrame:
    """Transposed: an audible tone. Nearest: none. Modified: exactly silent in silence. The user's
    own: undecided."""
    # Margin, level and spread over seeds in quiet after training; before, both are 20 dB higher.
    quiet = {
        "demucs_transposed": (30.0, -50.0, 1.0),
        "demucs_nearest": (-60.0, -150.0, 1.0),
        "modified_transposed": (-5.0, -90.0, 1.0),
        "my_upsampler": (5.0, -50.0, 10.0),
    }
    rows = []
    for system, (margin_db, level_db, spread_db) in quiet.items():
        for seed in range(3):
            offset_db = spread_db * (seed - 1)
            for stage, more_db in (("initialization", 20.0), ("trained", 0.0)):
                run = {"system": system, "seed": seed, "stage": stage}
                values = {
                    "level_db": level_db + more_db + offset_db,
                    "audibility_margin_db": margin_db + more_db + offset_db,
                    "masking_margin_db": margin_db + more_db + offset_db + 7,
                    "tone_margin_db": margin_db + more_db + offset_db,
                }
                measures = ("level_db", "audibility_margin_db", "tone_margin_db")
                zero = dict.fromkeys(measures, -np.inf)
                silent = zero if system == "modified_transposed" else values
                rows.append(run | {"signal": "silence"} | silent)
                rows.append(run | {"signal": "near_silence"} | values)
                masked = {"level_db": -60.0, "audibility_margin_db": -9.0 + offset_db / 10}
                masked |= {"prominence_db": 12.0, "chance": 0.01, "input_chance": 0.4}
                rows.append(run | {"signal": "noise"} | masked)
                for song in ("one", "two"):
                    rows.append(run | {"signal": "music", "song": song} | masked)
    return make_lines(rows)


def make_snapshots(tones: pd.DataFrame) -> pd.DataFrame:
    """The trained systems' tones in quiet after steps 1 and 5; the user's own is clear at 1."""
    quiet = tones[(tones["stage"] == "trained") & tones["signal"].isin(["silence", "near_silence"])]
    quiet = quiet.assign(stage="training")
    first, last = quiet.assign(step=1), quiet.assign(step=5)
    first.loc[first["system"] == "my_upsampler", "audibility_margin_db"] += 30.0
    return pd.concat([first, last])


def make_variants() -> pd.DataFrame:
    """The tones, nearest in another arithmetic, and snapshots."""
    tones = make_tones()
    separation = as_measures(pd.concat([tones, make_snapshots(tones)]))
    nearest = separation[separation["model"] == "demucs_nearest"]
    levels = nearest[(nearest["measure"] == "line_level") & (nearest["stage"] != "training")]
    reference = levels.assign(arithmetic="reference", implementation="plain", value=-190.0)
    return pd.concat([separation, reference])


def make_scores() -> pd.DataFrame:
    """One of 30 frames of the test song could not be scored."""
    rows = []
    for index, system in enumerate([*SYSTEMS, "mixture", "ideal_ratio_mask"]):
        for seed in range(3 if system in SYSTEMS else 1):
            for source in SOURCES:
                value_db = 1.0 + index + 0.1 * seed
                rows.append((system, seed, SONG, source, "SDR", value_db, 30, 29))
                rows.append((system, seed, EXCERPT, source, "SDR", value_db - 1, 6, 6))
    columns = ["system", "seed", "song", "source", "metric", "value_db"]
    return pd.DataFrame(rows, columns=[*columns, "n_frames", "n_frames_scored"])


def make_sdr_differences() -> pd.DataFrame:
    """Nearest: not resolved. The user's own: resolved. The modified one: another network."""
    rows = [
        ("demucs_nearest", True, -0.25, -0.6, 0.1, 2, -0.784, 0.284, -0.2, -0.18),
        ("my_upsampler", True, 0.3, 0.2, 0.4, 2, 0.15, 0.45, 0.3, np.nan),
        ("modified_transposed", False, -0.1, -0.15, -0.05, 1, -0.15, -0.05, -0.1, 0.02),
    ]
    reference, method = "demucs_transposed", "Student t over seeds; one song"
    rows = [
        (system, reference, same, MEAN, 3, 1, *numbers, method) for system, same, *numbers in rows
    ]
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def make_unscored_frames() -> pd.DataFrame:
    """The bass is silent in the frame without a score; nearest leaves exact silence there."""
    rows = [
        (system, seed, SONG, source, 30, 1, int(source == "bass"), 2000.0, level_db, margin_db)
        for system, level_db, margin_db in (
            ("demucs_transposed", -50.0, 20.0), ("demucs_nearest", -np.inf, np.nan),
            ("mixture", -70.0, -8.0),
        )
        for seed in range(1 if system == "mixture" else 3)
        for source in SOURCES
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=UNSCORED_COLUMNS)


def make_table_1() -> pd.DataFrame:
    ours = pd.DataFrame(
        {
            "system": SYSTEMS,
            "sdr_db": [3.5, 3.25, 3.4, 3.3],
            "sdr_low_db": [3.4, 3.15, 3.3, 3.2],
            "sdr_high_db": [3.6, 3.35, 3.5, 3.4],
            "n_seeds": 3,
            "epoch_seconds": [4.0, 6.0, 4.0, 5.0],
            "epoch_ratio": [1.0, 1.5, 1.0, 1.25],
            "steps_least": 90,
            "steps_most": 90,
            "precision": "32-true",
            "parameters": 1234567,
            "gflop_per_second": [0.12478, 0.1839, 0.12478, 0.2],
            "gflop_per_second_full_size": [34.873, 51.148, 34.873, np.nan],
            "parameters_full_size": [703148208, 709969008, 703008000, 1],
            "note": [None, None, None, "a remark"],
        }
    )
    baselines = pd.DataFrame(
        {"system": ["mixture", "ideal_ratio_mask"], "sdr_db": [1.0, 9.0], "n_seeds": 1}
    )
    paper = pd.read_csv(PAPER).drop(columns="label")
    return paper.merge(pd.concat([ours, baselines]), on="system", how="outer")


def make_manifest(n_train: int = 3) -> pd.DataFrame:
    """One mixture equals the sum of its stems, one is far from it; the drums of one are silent."""
    songs = [(f"Training {index}", "train", -30.0 - index) for index in range(n_train)]
    songs[0] = (songs[0][0], "train", -np.inf)
    songs += [("Wrong & louder", "valid", -3.0), (SONG, "test", -29.0), (EXCERPT, "excerpt", -15.0)]
    rows = [
        {
            "song": song, "split": split, "source": source, "seconds": 90.0, "rate_hz": 44100,
            "channels": 2, "level_db": -20.0 - index - place, "silent_seconds": 0, "sha256": "0",
            "residual_db": residual_db if source == "mixture" else np.nan,
            "full_scale_samples": 0, "clipped_samples": 0, "trimmed_samples": 0,
        }
        for index, (song, split, residual_db) in enumerate(songs)
        for place, source in enumerate(["mixture", *SOURCES])
    ]  # fmt: skip
    table = pd.DataFrame(rows).set_index(["song", "source"])
    table.loc[("Training 1", "drums"), ["level_db", "silent_seconds"]] = -np.inf, 90
    table.loc[("Training 2", "bass"), ["clipped_samples", "full_scale_samples"]] = 12, 3456
    table.loc[("Training 2", "bass"), "trimmed_samples"] = 441
    return table.reset_index()


def make_probes(folder: Path) -> list[str]:
    """Near-silence is 40 dB softer than noise, each system 10 dB softer than the one before it, and
    trained ones another 5 dB softer. In silence, the modified network is exactly silent."""
    paths = []
    for index, system in enumerate(SYSTEMS):
        for stage, softer_db in (("initialization", 0.0), ("trained", 5.0)):
            path = folder / "variants" / system / f"seed-0/probe/{stage}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            levels_db = np.linspace(-50, -20, 65 * 20, dtype=np.float32).reshape(65, 20)
            levels_db -= 10 * index + softer_db
            levels_db[:, ::2] -= 20  # the mean of the power is not that of the levels
            is_silent = system == "modified_transposed"
            np.savez(
                path,
                rate_hz=RATE_HZ,
                frequencies_hz=np.linspace(0, 4000, 65),
                times_seconds=np.linspace(0, 6, 20),
                tones_hz=[500.0, 2000.0, 4000.0],
                noise_db=levels_db,
                near_silence_db=levels_db - 40,
                silence_db=np.full_like(levels_db, -np.inf) if is_silent else levels_db - 50,
            )
            paths.append(str(path))
    return paths


def make_figures(folder: Path, probes: list[str]) -> dict[str, str]:
    paths = {
        name: str(folder / f"figures/{name}.svg")
        for name in (
            "tone_margins", "after_training", "layers", "line_levels", "loss_gradients",
            "over_training", "spectrograms_noise", "spectrograms_silence",
            "training_curves", "source_scores", "sdr_differences", "trade_offs", "step_speed",
            "layer_speed", "remedies",
        )
    }  # fmt: skip
    draw_tone_margins(folder / "probes/variants.csv", [paths["tone_margins"]], LOOKS, 2000.0)
    draw_line_levels(folder / "probes/variants.csv", [paths["line_levels"]], LOOKS, 2000.0)
    draw_after_training(folder / "after_training.csv", [paths["after_training"]], LOOKS, 2000.0)
    draw_over_training(folder / "over_training.csv", [paths["over_training"]], LOOKS)
    style.save_figure(loss_gradients(make_arrays()), [paths["loss_gradients"]])
    layers = pd.DataFrame(
        [("layer_demucs_sinc", 0, measure, -26.0) for measure in PANELS],
        columns=["model", "seed", "measure", "value"],
    )
    layers.to_csv(folder / "probes/layers.csv", index=False)
    draw_layers(folder / "probes/layers.csv", [paths["layers"]], ALL_LOOKS)
    draw_source_scores(
        folder / "scores.csv", [paths["source_scores"]], LOOKS, SOURCES, songs=[SONG]
    )
    draw_sdr_differences(folder / "sdr_differences.csv", [paths["sdr_differences"]], LOOKS)
    draw_remedies(make_remedies(folder), [paths["remedies"]], ALL_LOOKS, 2000.0)
    draw_trade_offs(
        folder / "table_1.csv",
        folder / "probes/variants.csv",
        [paths["trade_offs"]],
        LOOKS,
        2000.0,
    )
    draw_step_speed(folder / "steps.csv", PAPER, [paths["step_speed"]], ALL_LOOKS)
    draw_layer_speed(folder / "upsamplers.csv", [paths["layer_speed"]])
    logs = []
    for system in SYSTEMS:
        logs.append(folder / "variants" / system / "seed-0/training.csv")
        pd.DataFrame({"step": [1, 2, 3], "valid_loss": [3, 2, 1]}).to_csv(logs[-1], index=False)
    for signal in ("noise", "silence"):
        draw_spectrograms(
            probes, [paths[f"spectrograms_{signal}"]], LOOKS, signal, [2000.0, 4000.0]
        )
    draw_training_curves(logs, [paths["training_curves"]], LOOKS)
    ones_arrays(folder / "ones.npz")
    paths["figure_5"] = str(folder / "figures/figure_5.svg")
    draw_ones(folder / "ones.npz", [paths["figure_5"]])
    return paths


def make_song(folder: Path) -> Path:
    """Five seconds; the bass plays in the last two only."""
    path = folder / "cache" / f"{SONG}.npy"
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    pcm = rng.integers(-9000, 9000, (3, 2, 5 * RATE_HZ)).astype(np.int16)
    pcm[2, :, : 3 * RATE_HZ] = 0
    pcm[0] = pcm[1] // 2 + pcm[2] // 2
    np.save(path, pcm)
    about = {"song": SONG, "rate_hz": RATE_HZ, "sources": SOURCES, "scale": 0.2}
    about[CHECKSUM] = cache_checksum(about, pcm)
    path.with_suffix(".json").write_text(json.dumps(about))
    return path


def make_estimates(folder: Path, system: str) -> Path:
    estimates = folder / "variants" / system / "seed-0/estimates"
    (estimates / "test" / SONG).mkdir(parents=True)
    ramp = np.linspace(-1.5, 1.5, 5 * RATE_HZ, dtype=np.float32)
    for source in SOURCES:
        soundfile.write(
            estimates / "test" / SONG / f"{source}.wav",
            np.stack([ramp, ramp], axis=1),
            RATE_HZ,
            subtype="FLOAT",
        )
    return estimates


def make_benchmark(folder: Path) -> Path:
    path = folder / "benchmarks/train/demucs_transposed/seed-0.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("s\th:m:s\tmax_rss\tcpu_time\n75.5\t0:01:15\t812.25\t70\n")
    return path
