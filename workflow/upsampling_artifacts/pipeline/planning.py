"""What an experiment asks of a computer, from its configuration, before any of it runs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS

SCORING_SECONDS = 0.8
"""CPU seconds of museval per second of audio (four stereo sources at 44.1 kHz), measured."""
CACHE_SECONDS = 0.02
"""CPU seconds to check and cache a second of audio (five stereo files at 44.1 kHz), measured."""
CPU_TFLOP_PER_SECOND = 0.023
"""What a probe at full size reaches on a core, measures included: 2.6 TFLOP in 111 CPU seconds."""
PROBE_SIGNALS = 5  # artifacts.signals: silence, ones, noise, sweep, music


@dataclass(frozen=True)
class Experiment:
    """What the figures are computed from.

    Attributes:
        name: The experiment's name.
        systems: How each variant is built, by name, as for :func:`models.build.build_model`.
        training: The keys of ``training`` in config, for each variant.
        n_seeds: Each variant is trained once per seed.
        n_baselines: Separations that need no model.
        song_seconds: Lengths of the songs, by split: "train", "valid", "test".
        sources: The stems.
        rate_hz: Sampling rate.
        processes: Songs that one job scores at once.
        tflop_per_second: What a training reaches on one GPU.
        signal_seconds: Length of the test signals of a probe.
    """

    name: str
    systems: dict[str, dict]
    training: dict[str, dict]
    n_seeds: int
    n_baselines: int
    song_seconds: dict[str, list[float]]
    sources: list[str]
    rate_hz: int
    processes: int
    tflop_per_second: float
    signal_seconds: float

    @property
    def n_runs(self) -> int:
        return len(self.systems) * self.n_seeds


@dataclass(frozen=True)
class Cost:
    """What the runs of one variant ask for, each.

    Attributes:
        parameters: Learnable parameters.
        steps: Training steps; the most, where the time of a training is set.
        step_tflop: Arithmetic of one step, forward and backward.
        gpus: That a training runs on.
        training_hours: Of one training, on all its GPUs at once.
        separation_hours: Of one GPU.
        probe_hours: Of one CPU core.
    """

    parameters: int
    steps: int
    step_tflop: float
    gpus: int
    training_hours: float
    separation_hours: float
    probe_hours: float

    @property
    def gpu_hours(self) -> float:
        """Of the training; several GPUs are taken to share its work without a loss."""
        return self.gpus * self.training_hours


def scoring_memory_mb(song_seconds: list[float], rate_hz: int, processes: int) -> int:
    """Memory of a job that scores songs of these lengths, so many at once.

    Measured at 44.1 kHz with four stereo sources: museval 0.4.1 takes 1.4 GB for 30 s of audio, and
    6.75 GB for four minutes. The longest songs may meet.
    """
    longest = sum(sorted(song_seconds)[-processes:])
    return round(1400 + processes * 600 + 30 * longest * rate_hz / 44100)


def steps_per_epoch(seconds: list[float], rate_hz: int, options: dict) -> int:
    """Number of batches in an epoch over songs of these lengths (:mod:`data.segments`)."""
    needed = round(options["segment_seconds"] * rate_hz) + round(options["shift_seconds"] * rate_hz)
    every = max(1, round(options["stride_seconds"] * rate_hz))
    positions = sum(max(0, (round(s * rate_hz) - needed) // every + 1) for s in seconds)
    return positions // options["batch_size"]


def cost_of(experiment: Experiment, name: str) -> Cost:
    """The cost of one run of a variant.

    A backward pass is twice a forward pass. Validation (less than 1 %) is left out.
    """
    # Here, because the workflow imports this module on every call, and these load torch.
    from upsampling_artifacts.models.flops import (
        build_on_meta,
        parameter_count,
        tflop_per_second_of_audio,
    )
    from upsampling_artifacts.upsamplers.fused import set_implementation

    system, options = experiment.systems[name], experiment.training[name]
    model = build_on_meta(system, len(experiment.sources), AUDIO_CHANNELS)
    forward = tflop_per_second_of_audio(model, experiment.rate_hz)
    set_implementation(model, "plain")  # a probe runs interpolation and convolution apart
    probing = tflop_per_second_of_audio(model, experiment.rate_hz)
    step_tflop = 3 * forward * options["segment_seconds"] * options["batch_size"]
    lengths = experiment.song_seconds
    steps = options["epochs"] * steps_per_epoch(lengths["train"], experiment.rate_hz, options)
    hour = 3600 * experiment.tflop_per_second
    # Chunks overlap by half, and the shortest signal takes a whole one.
    probed = PROBE_SIGNALS * max(2 * experiment.signal_seconds, options["segment_seconds"])
    return Cost(
        parameters=parameter_count(model),
        steps=steps,
        step_tflop=step_tflop,
        gpus=options["devices"],
        training_hours=min(
            steps * step_tflop / hour / options["devices"],
            math.inf if options["minutes"] is None else options["minutes"] / 60,
        ),
        separation_hours=2 * forward * sum(lengths["test"]) / hour,
        probe_hours=probing * probed / CPU_TFLOP_PER_SECOND / 3600,
    )


def storage_bytes(experiment: Experiment, costs: dict[str, Cost]) -> dict[str, float]:
    """Size of what is large in the experiment's folder.

    Probes, tables and figures are small beside it.
    """
    samples = experiment.rate_hz * AUDIO_CHANNELS
    n_sources = len(experiment.sources)
    test = sum(experiment.song_seconds["test"])
    every = [seconds for split in experiment.song_seconds.values() for seconds in split]
    parameters = experiment.n_seeds * sum(cost.parameters for cost in costs.values())
    runs = experiment.n_runs + experiment.n_baselines
    return {
        "cache: int16": cache_bytes(every, experiment.rate_hz, n_sources),
        "models: float32": 4 * parameters,
        "estimates: float32": 4 * samples * n_sources * test * runs,
        # Weights, the two moments of Adam, the best weights so far; gone when a training ends.
        "checkpoints, if all train at once": 16 * parameters,
    }


def cache_bytes(seconds: list[float], rate_hz: int, n_sources: int) -> float:
    """Size of the cache of songs of these lengths: int16, the mixture and each source."""
    return 2 * AUDIO_CHANNELS * rate_hz * (1 + n_sources) * sum(seconds)


def cache_room(needed: float, n_songs: int, folder: str | Path) -> tuple[str, bool]:
    """What the cache needs beside what is free.

    Args:
        needed: Bytes that are still to be written.
        n_songs: Number of songs that they are of.
        folder: Where the results will lie; it need not exist yet.

    Returns:
        It in a line, and whether it fits.
    """
    folder = Path(folder)
    disk = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(disk).free
    line = f"cache: {needed / 1e9:.3g} GB for {n_songs} songs; {free / 1e9:.3g} GB free in {folder}"
    if needed > free:
        line += f": it does not fit; make room, or let {folder} be a link to a larger disk"
    return line, needed <= free


def file_count(experiment: Experiment) -> int:
    """Number of files below ``cache/`` and ``variants/``, when all is done."""
    n_songs = sum(map(len, experiment.song_seconds.values()))
    n_test = len(experiment.song_seconds["test"])
    separated = n_test * (len(experiment.sources) + 1) + 1  # and museval's JSON each; scores.csv
    trained = 2 + 4 + 4  # model, training.csv; tables and arrays of two probes; benchmarks
    timestamps = 2  # Snakemake's, in the folders of estimates and scores
    scored = separated + timestamps + 1  # benchmark
    baseline = scored + 1  # likewise
    runs = experiment.n_runs
    return 2 * n_songs + 3 + runs * (scored + trained) + experiment.n_baselines * baseline


def plan_text(experiment: Experiment) -> str:
    """The whole plan as text: jobs, GPU hours, storage."""
    costs = {name: cost_of(experiment, name) for name in experiment.systems}
    lengths = experiment.song_seconds
    counts = ", ".join(f"{len(seconds)} {split}" for split, seconds in lengths.items())
    n_songs = sum(map(len, lengths.values()))
    title = (
        f"Experiment {experiment.name}: {len(costs)} variants x {experiment.n_seeds} seeds; "
        f"{n_songs} songs ({counts}), {sum(map(sum, lengths.values())) / 3600:.1f} hours"
    )
    memory = scoring_memory_mb(lengths["test"], experiment.rate_hz, experiment.processes) / 1000
    gpu_hours = experiment.n_seeds * sum(c.gpu_hours + c.separation_hours for c in costs.values())
    lines = [
        title,
        "",
        *_job_lines(experiment, list(costs.values())),
        "and a few for tables, figures and the report.",
        "",
        f"{'variant':28} {'parameters':>11} {'steps':>9} {'TFLOP/step':>11} {'GPU hours':>10}",
        *(
            f"{name:28} {cost.parameters / 1e6:10.1f}M {cost.steps:9} {cost.step_tflop:11.3g} "
            f"{cost.gpu_hours:10.3g}"
            for name, cost in costs.items()
        ),
        "",
        f"GPU hours: {gpu_hours:.4g}, at {experiment.tflop_per_second:g} TFLOP/s "
        "(plan.gpu_tflop_per_second: yours is the steps/s in a training's log, times TFLOP/step)",
        f"A score job works on {experiment.processes} cores: so many songs at once, with "
        f"{memory:.3g} GB of memory.",
        "",
        "storage",
        *(
            f"{what:34} {size / 1e9:9.4g} GB"
            for what, size in storage_bytes(experiment, costs).items()
        ),
        f"{'files':34} {file_count(experiment):9}",
    ]
    return "\n".join(lines)


def _job_lines(experiment: Experiment, costs: list[Cost]) -> list[str]:
    """A table of the rules whose jobs are many or long."""
    songs = [seconds for split in experiment.song_seconds.values() for seconds in split]
    scoring = SCORING_SECONDS * sum(experiment.song_seconds["test"]) / 3600
    processes = experiment.processes
    seeds = experiment.n_seeds
    separations = experiment.n_runs + experiment.n_baselines
    return [
        f"{'jobs':12} {'number':>7}  {'on':8} {'hours each':>18} {'hours in all':>14}",
        _job_line("cache", "CPU", [(CACHE_SECONDS * seconds / 3600, 1) for seconds in songs]),
        _job_line("train", "GPU", [(cost.training_hours, cost.gpus) for cost in costs] * seeds),
        _job_line("probe", "CPU", [(cost.probe_hours, 1) for cost in costs] * 2 * seeds),
        _job_line("separate", "GPU", [(cost.separation_hours, 1) for cost in costs] * seeds),
        _job_line("score", "CPU", [(scoring / processes, processes)] * separations),
    ]


def _job_line(rule: str, device: str, jobs: list[tuple[float, int]]) -> str:
    """A row of the table; each job takes so many hours on so many devices."""
    hours, devices = zip(*jobs, strict=True)
    total = sum(hour * count for hour, count in jobs)
    on = f"{_span(devices)} {device}"
    return f"{rule:12} {len(jobs):7}  {on:8} {_span(hours):>18} {total:14.4g}"


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
