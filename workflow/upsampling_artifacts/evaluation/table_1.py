"""Table 1 of the paper: our measurements beside the published ones."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path

import pandas as pd

from upsampling_artifacts.evaluation.sdr import read_scores, remarks_by_system, sdr_by_run
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.flops import (
    build_on_meta,
    parameter_count,
    tflop_per_second_of_audio,
)
from upsampling_artifacts.models.saved import read_about
from upsampling_artifacts.statistics import mean_interval
from upsampling_artifacts.upsamplers.fused import NO_CHOICE

logger = logging.getLogger(__name__)

FULL_SIZE_RATE_HZ = 44100
COLUMNS = [
    "system", "sdr_db", "sdr_low_db", "sdr_high_db", "n_seeds", "epoch_seconds", "epoch_ratio",
    "steps_least", "steps_most", "parameters", "parameters_full_size", "gflop_per_second",
    "gflop_per_second_full_size",
    "paper_sdr_db", "paper_epoch_seconds", "paper_parameters_millions", "note",
]  # fmt: skip


def epoch_durations(
    steps: pd.DataFrame, systems: dict[str, dict], references: dict[str, str]
) -> pd.DataFrame:
    """Compute the training time per epoch, and its ratio to that of the reference system.

    The time is that of the implementation with which each system is trained. The ratio uses step
    ratios from interleaved timing, and the seconds are those of the reference times the ratio: what
    two systems take at different times also depends on what else the machine does.

    Args:
        steps: ``steps.csv``.
        systems: Architecture, options and upsampler of each system.
        references: The reference of each system.

    Returns:
        ``epoch_seconds`` and ``epoch_ratio`` by system. Without the reference, the ratio is NaN and
        the seconds are as timed.
    """
    upsamplers = {name: system["upsampler"] or {} for name, system in systems.items()}
    trained = [upsamplers.get(name, {}).get("implementation", "auto") for name in steps["system"]]
    rows = steps[(steps["implementation"] == NO_CHOICE) | (steps["implementation"] == trained)]
    rows = rows.set_index("system")
    n_steps = (rows["epoch_seconds"] / rows["median_step_seconds"]).round()
    of_reference = rows.assign(n_steps=n_steps).reindex(
        [references.get(name, "") for name in rows.index]
    )
    ratio = rows["ratio_to_transposed"] * n_steps / of_reference["n_steps"].to_numpy()
    seconds = ratio * of_reference["epoch_seconds"].to_numpy()
    return pd.DataFrame(
        {"epoch_seconds": seconds.fillna(rows["epoch_seconds"]), "epoch_ratio": ratio}
    )


def parameters_and_gflop(
    system: dict, n_sources: int, audio_channels: int, rate_hz: int
) -> tuple[int, float]:
    """Count the parameters and the FLOPs of a system.

    Args:
        system: Architecture, options and upsampler.
        n_sources: Number of sources that it estimates.
        audio_channels: Channels of the mixture, and of each source.
        rate_hz: Sampling rate.

    Returns:
        The number of learnable parameters, and the GFLOPs of a forward pass per second of audio
        (:func:`models.flops.tflop_per_second_of_audio`). The latter is NaN for a user-supplied
        model that does not run on the meta device: a missing count must not cost the table, which
        took days of training.
    """
    model = build_on_meta(system, n_sources, audio_channels)
    try:
        gflop = 1000 * tflop_per_second_of_audio(model, rate_hz, audio_channels)
    except Exception as error:
        name = system["architecture"], system["upsampler"]
        logger.warning(f"the FLOPs of {name} cannot be counted on the meta device: {error}")
        gflop = float("nan")
    return parameter_count(model), gflop


def table_1(
    scores: pd.DataFrame,
    logs: dict[tuple[str, int], pd.DataFrame],
    speed: pd.DataFrame,
    systems: dict[str, dict],
    full_size: dict[str, dict],
    paper: pd.DataFrame,
    songs: list[str],
    notes: dict[str, str],
    references: dict[str, str],
) -> pd.DataFrame:
    """Fill Table 1: the paper's ten systems in its order, then our other systems, then baselines.

    Args:
        scores: ``scores.csv``.
        logs: ``training.csv`` of each system and seed.
        speed: ``steps.csv``.
        systems: The trained systems, as in the headers of their model files.
        full_size: The same systems at the paper's size.
        paper: ``config/paper_table_1.csv``.
        songs: The test songs to include.
        notes: Remarks about systems, by name.
        references: The system that each system's epochs are compared with.

    Returns:
        The columns ``COLUMNS``, one row per system. NaN marks what we did not measure or the paper
        does not state. A run that could not be scored does not count, and ``note`` says why.
    """
    sdr = {name: group["sdr_db"] for name, group in sdr_by_run(scores, songs).groupby("system")}
    remarks = remarks_by_system(scores, songs)
    steps: dict[str, list[int]] = defaultdict(list)
    for (system, _), log in logs.items():
        steps[system].append(log["step"].iloc[-1])
    rows = []
    for system in dict.fromkeys([*paper["system"], *systems, *sdr]):
        row: dict[str, object] = {"system": system}
        if system in sdr:
            scored = sdr[system].dropna()
            mean, low, high = mean_interval(scored.to_numpy())
            row |= {"sdr_db": mean, "sdr_low_db": low, "sdr_high_db": high}
            row |= {"n_seeds": len(scored)}
        texts = notes.get(system) if system in systems else None, remarks.get(system)
        row["note"] = "; ".join(filter(None, texts)) or None
        if system in systems:
            shape = len(systems[system]["sources"]), systems[system]["audio_channels"]
            if system in steps:
                row |= {"steps_least": min(steps[system]), "steps_most": max(steps[system])}
            rate_hz = systems[system]["rate_hz"]
            row["parameters"], row["gflop_per_second"] = parameters_and_gflop(
                systems[system], *shape, rate_hz
            )
            if system in full_size:
                row["parameters_full_size"], row["gflop_per_second_full_size"] = (
                    parameters_and_gflop(full_size[system], *shape, FULL_SIZE_RATE_HZ)
                )
        rows.append(row)
    table = pd.DataFrame(rows).merge(paper.drop(columns="label"), on="system", how="left")
    table = table.merge(
        epoch_durations(speed, systems, references),
        left_on="system",
        right_index=True,
        how="left",
    )
    integers = ["n_seeds", "steps_least", "steps_most", "parameters", "parameters_full_size"]
    return table.reindex(columns=COLUMNS).astype(dict.fromkeys(integers, "Int64"))


def write_table_1(
    scores: str | Path,
    training: list[str],
    speed: str | Path,
    model_paths: list[str],
    paper: str | Path,
    csv_path: str | Path,
    songs: list[str],
    full_size: dict[str, dict],
    notes: dict[str, str],
    references: dict[str, str],
) -> None:
    """Write ``table_1.csv`` from files; see :func:`table_1`.

    Args:
        scores: ``scores.csv``.
        training: Paths ending in ``<system>/seed-<n>/training.csv``.
        speed: ``steps.csv``.
        model_paths: The model files.
        paper: ``config/paper_table_1.csv``.
        csv_path: File to write.
        songs: The test songs to include.
        full_size: Each system at the paper's size.
        notes: Remarks about systems, by name.
        references: The system that each system's epochs are compared with.
    """
    logs = {
        (path.parents[1].name, int(path.parent.name.removeprefix("seed-"))): pd.read_csv(path)
        for path in map(Path, training)
    }
    systems = {Path(path).parents[1].name: read_about(path) for path in model_paths}
    tables = read_scores(scores, logs), logs, pd.read_csv(speed)
    table = table_1(*tables, systems, full_size, pd.read_csv(paper), songs, notes, references)
    with atomic_write(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.4f")
