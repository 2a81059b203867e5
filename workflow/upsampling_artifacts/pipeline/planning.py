"""Estimate the resources that an experiment needs, from its configuration alone."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.models.network_size import NetworkSize

CPU_TFLOP_PER_SECOND = 0.023
"""Speed of a probe at full size on one core, with its measures: 2.6 TFLOP in 111 CPU seconds."""


@dataclass(frozen=True)
class Experiment:
    """The part of an experiment's configuration that determines its cost.

    Attributes:
        name: Name of the experiment.
        systems: What the network of each system that is trained takes.
        variants: Those of the systems that are variants.
        training: The keys of ``training`` in config, for each system.
        n_seeds: Number of training runs per variant.
        n_baselines: Number of baselines, which need no model.
        song_seconds: Lengths of the songs in seconds, by split: "train", "valid", "test".
        sources: Names of the sources.
        rate_hz: Sampling rate.
        n_shifts: Number of random shifts over which separation averages; 0 for none.
        processes: Number of songs that one job scores in parallel.
        tflop_per_second: Training speed of one GPU.
        signal_seconds: Length of the test signals in seconds.
        study: The keys of ``training`` for each system in the study of losses.
        n_losses: Number of losses in that study.
    """

    name: str
    systems: dict[str, NetworkSize]
    variants: list[str]
    training: dict[str, dict]
    n_seeds: int
    n_baselines: int
    song_seconds: dict[str, list[float]]
    sources: list[str]
    rate_hz: int
    n_shifts: int
    processes: int
    tflop_per_second: float
    signal_seconds: float
    study: dict[str, dict]
    n_losses: int

    @property
    def n_runs(self) -> int:
        """Number of training runs."""
        return len(self.systems) * self.n_seeds


@dataclass(frozen=True)
class Cost:
    """Resources of one run of a variant.

    Attributes:
        parameters: Number of learnable parameters.
        steps: Number of training steps; an upper limit if ``training.minutes`` is set.
        step_tflop: TFLOP of one training step, forward and backward.
        gpus: Number of GPUs of the training.
        training_hours: Duration of the training.
        separation_hours: Duration of the separation, on one GPU.
        signal_hours: Duration of the probe with one test signal, on one CPU core.
        study_hours: Duration of the training runs of one seed in the study of losses, on one GPU.
        snapshots: Number of snapshots; an upper limit if ``training.minutes`` is set.
        snapshot_hours: Duration of the probe of all snapshots, on one CPU core.
    """

    parameters: int
    steps: int
    step_tflop: float
    gpus: int
    training_hours: float
    separation_hours: float
    signal_hours: float
    study_hours: float
    snapshots: int
    snapshot_hours: float

    @property
    def gpu_hours(self) -> float:
        """GPU hours of the training; several GPUs are assumed to scale perfectly."""
        return self.gpus * self.training_hours


def scoring_memory_mb(song_seconds: list[float], rate_hz: int, processes: int) -> int:
    """Estimate the memory of a scoring job, if the longest songs are scored in parallel.

    Measured with museval 0.4.1 at 44.1 kHz and four stereo sources: 0.8 GB for 30 s of audio, and
    4.4 GB for four minutes.

    Args:
        song_seconds: Lengths of the songs in seconds.
        rate_hz: Sampling rate.
        processes: Number of songs scored in parallel.

    Returns:
        MB.
    """
    longest = sum(sorted(song_seconds)[-processes:])
    return round(1000 + processes * 300 + 18 * longest * rate_hz / 44100)


def steps_per_epoch(seconds: list[float], rate_hz: int, options: dict) -> int:
    """Count the batches of an epoch, as :mod:`data.segments` draws them.

    Args:
        seconds: Lengths of the training songs in seconds.
        rate_hz: Sampling rate.
        options: The keys of ``training`` in config.

    Returns:
        Number of training steps in an epoch.
    """
    needed = round(options["segment_seconds"] * rate_hz) + round(options["shift_seconds"] * rate_hz)
    stride = max(1, round(options["stride_seconds"] * rate_hz))
    positions = sum(max(0, (round(s * rate_hz) - needed) // stride + 1) for s in seconds)
    return positions // options["batch_size"]


def run_cost(experiment: Experiment, name: str) -> Cost:
    """Estimate the cost of one run of a variant.

    A backward pass counts as two forward passes. Validation (less than 1 %) is not counted.

    Args:
        experiment: The experiment.
        name: Name of the variant.

    Returns:
        The cost.
    """
    network, options = experiment.systems[name], experiment.training[name]
    forward, probe = network.tflop_per_second, network.plain_tflop_per_second
    step_tflop = 3 * forward * options["segment_seconds"] * options["batch_size"]
    lengths = experiment.song_seconds
    steps = options["epochs"] * steps_per_epoch(lengths["train"], experiment.rate_hz, options)
    tflop_per_hour = 3600 * experiment.tflop_per_second
    # Chunks overlap by half, and a signal takes at least one chunk.
    chunked_seconds = max(2 * experiment.signal_seconds, options["segment_seconds"])
    cpu_tflop_per_hour = 3600 * CPU_TFLOP_PER_SECOND
    snapshots = min(options["n_snapshots"], steps)
    # Noise in chunks; silence and near-silence in one piece, with half a second at either end.
    snapshot_seconds = chunked_seconds + 2 * (experiment.signal_seconds + 1)
    return Cost(
        parameters=network.parameters,
        steps=steps,
        step_tflop=step_tflop,
        gpus=options["devices"],
        training_hours=min(
            steps * step_tflop / tflop_per_hour / options["devices"],
            math.inf if options["minutes"] is None else options["minutes"] / 60,
        ),
        separation_hours=(
            2 * max(1, experiment.n_shifts) * forward * sum(lengths["test"]) / tflop_per_hour
        ),
        signal_hours=probe * chunked_seconds / cpu_tflop_per_hour,
        study_hours=_study_tflop(experiment, name, forward) / tflop_per_hour,
        snapshots=snapshots,
        snapshot_hours=snapshots * probe * snapshot_seconds / cpu_tflop_per_hour,
    )


def _study_tflop(experiment: Experiment, name: str, forward: float) -> float:
    """TFLOP of a system's training runs of one seed in the study of losses; without the losses'."""
    options = experiment.study.get(name)
    if options is None:
        return 0.0
    lengths = experiment.song_seconds["train"]
    steps = options["epochs"] * steps_per_epoch(lengths, experiment.rate_hz, options)
    segments = steps * options["batch_size"] * experiment.n_losses
    return 3 * forward * options["segment_seconds"] * segments


def storage_bytes(experiment: Experiment, costs: dict[str, Cost]) -> dict[str, float]:
    """Estimate the size of the large files of an experiment; all others are small.

    Args:
        experiment: The experiment.
        costs: The cost of each variant's runs (:func:`run_cost`).

    Returns:
        Bytes by kind of file.
    """
    samples = experiment.rate_hz * AUDIO_CHANNELS
    n_sources = len(experiment.sources)
    test = sum(experiment.song_seconds["test"])
    all_songs = [seconds for split in experiment.song_seconds.values() for seconds in split]
    parameters = experiment.n_seeds * sum(cost.parameters for cost in costs.values())
    in_snapshots = experiment.n_seeds * sum(c.snapshots * c.parameters for c in costs.values())
    runs = experiment.n_runs + experiment.n_baselines
    return {
        "cache: int16": cache_bytes(all_songs, experiment.rate_hz, n_sources),
        "models: float32": 4 * parameters,
        "snapshots: float32": 4 * in_snapshots,
        "estimates: float32": 4 * samples * n_sources * test * runs,
        # Weights, Adam's two moments and the best weights so far; removed when training ends.
        "checkpoints, if all train at once": 16 * parameters,
    }


def cache_bytes(seconds: list[float], rate_hz: int, n_sources: int) -> float:
    """Compute the size of the cache in bytes: int16 samples of the mixture and each source.

    Args:
        seconds: Lengths of the songs in seconds.
        rate_hz: Sampling rate.
        n_sources: Number of sources.
    """
    return 2 * AUDIO_CHANNELS * rate_hz * (1 + n_sources) * sum(seconds)


def cache_room(needed: float, n_songs: int, folder: str | Path) -> tuple[str, bool]:
    """Compare the size of the cache with the free disk space.

    Args:
        needed: Bytes still to be written.
        n_songs: Number of songs still to be cached.
        folder: Folder of the results; it need not exist yet.

    Returns:
        One line for the user, and whether the cache fits.
    """
    folder = Path(folder)
    disk = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(disk).free
    line = f"cache: {needed / 1e9:.3g} GB for {n_songs} songs; {free / 1e9:.3g} GB free in {folder}"
    if needed > free:
        line += f": it does not fit; free space, or make {folder} a link to a larger disk"
    return line, needed <= free


def file_count(experiment: Experiment, costs: dict[str, Cost]) -> int:
    """Count the files in ``cache/`` and ``variants/`` of a finished experiment.

    Args:
        experiment: The experiment.
        costs: The cost of each variant's runs (:func:`run_cost`).
    """
    n_songs = sum(map(len, experiment.song_seconds.values()))
    n_test = len(experiment.song_seconds["test"])
    separated = n_test * (len(experiment.sources) + 1) + 1  # estimates, museval's JSON; scores.csv
    timestamps = 2  # Snakemake's, in the folders of estimates and scores
    scored = separated + timestamps + 1  # job cost
    baseline = scored + 1  # job cost
    # Model, training.csv, the snapshots' timestamp; tables and arrays of two probes; job costs
    trained = 3 + 4 + 4
    # Their measures and job cost
    snapshots = sum(cost.snapshots + 2 for cost in costs.values() if cost.snapshots)
    return (
        2 * n_songs + 3
        + experiment.n_runs * (scored + trained) + experiment.n_seeds * snapshots
        + experiment.n_baselines * baseline
    )  # fmt: skip
