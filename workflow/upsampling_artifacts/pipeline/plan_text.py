"""The plan of an experiment as text: jobs, hours and storage."""

from __future__ import annotations

from collections.abc import Sequence

from upsampling_artifacts.pipeline.planning import (
    Cost,
    Experiment,
    file_count,
    run_cost,
    scoring_memory_mb,
    storage_bytes,
)

SCORING_SECONDS = 0.11
"""CPU seconds of museval per second of audio (four stereo sources at 44.1 kHz), measured."""
CACHE_SECONDS = 0.02
"""CPU seconds to check and cache a second of audio (five stereo files at 44.1 kHz), measured."""
CPU_TRAINING_TFLOP_PER_SECOND = 0.026
"""Training speed of one core: 522 steps of 0.0015 TFLOP in 30 s, the demonstration's."""
SIGNALS_BEFORE, SIGNALS_AFTER = 7, 13
"""Test signals of :mod:`probes.variants` before and after training, with three songs."""
QUIET_SIGNALS = 2
"""Those that :mod:`probes.tone_seconds` feeds before training, too."""

PRECISIONS = {
    "auto": "bf16-mixed on GPUs from Ampere on, 32-true elsewhere (training.precision: 32-true for "
    "single precision everywhere)",
}
"""What the plan says of a precision, unless its name says it all."""


def plan_text(experiment: Experiment) -> str:
    """Write the plan: jobs, GPU hours and storage."""
    costs = {name: run_cost(experiment, name) for name in experiment.systems}
    lengths = experiment.song_seconds
    counts = ", ".join(f"{len(seconds)} {split}" for split, seconds in lengths.items())
    n_songs = sum(map(len, lengths.values()))
    title = (
        f"Experiment {experiment.name}: {len(costs)} systems x {experiment.n_seeds} seeds; "
        f"{n_songs} songs ({counts}), {sum(map(sum, lengths.values())) / 3600:.1f} hours"
    )
    memory = scoring_memory_mb(lengths["test"], experiment.rate_hz, experiment.processes) / 1000
    gpu_hours = experiment.n_seeds * sum(c.gpu_hours + c.separation_hours for c in costs.values())
    core_hours = gpu_hours * experiment.tflop_per_second / CPU_TRAINING_TFLOP_PER_SECOND
    lines = [
        title,
        "",
        *_job_lines(experiment, costs),
        "and a few more for tables, figures and the report.",
        "",
        f"{'system':34} {'parameters':>11} {'steps':>9} {'TFLOP/step':>11} {'GPU time':>10}",
        *(
            f"{name:34} {cost.parameters / 1e6:10.1f}M {cost.steps:9} {cost.step_tflop:11.3g} "
            f"{_time(cost.gpu_hours):>10}"
            for name, cost in costs.items()
        ),
        "",
        f"GPU time: {_time(gpu_hours)}, at {experiment.tflop_per_second:g} TFLOP/s "
        "(set plan.gpu_tflop_per_second to the steps/s in a training log x TFLOP/step)",
        *_precision_lines(experiment),
        f"Without a GPU: {_time(core_hours)} of one CPU core",
        f"A score job uses {memory:.3g} GB of memory; songs scored in parallel, one per core: "
        f"{experiment.processes}.",
        "",
        "storage",
        *(
            f"{kind:34} {size / 1e9:9.4g} GB"
            for kind, size in storage_bytes(experiment, costs).items()
        ),
        f"{'files':34} {file_count(experiment, costs):9}",
    ]
    return "\n".join(lines)


def _precision_lines(experiment: Experiment) -> list[str]:
    """State in which precision the systems will be trained."""
    systems: dict[str, list[str]] = {}
    for name in experiment.systems:
        systems.setdefault(experiment.training[name]["precision"], []).append(name)
    return [
        f"precision: {PRECISIONS.get(precision, precision)}"
        + (f" ({', '.join(names)})" if len(systems) > 1 else "")
        for precision, names in systems.items()
    ]


def _job_lines(experiment: Experiment, by_name: dict[str, Cost]) -> list[str]:
    """Write a table of the rules with many or long jobs."""
    costs = list(by_name.values())
    songs = [seconds for split in experiment.song_seconds.values() for seconds in split]
    test_seconds = sum(experiment.song_seconds["test"]) * experiment.rate_hz / 44100
    scoring = SCORING_SECONDS * test_seconds / 3600
    processes = experiment.processes
    seeds = experiment.n_seeds
    separations = experiment.n_runs + experiment.n_baselines
    snapshots = [(cost.snapshot_hours, 1) for cost in costs if cost.snapshots]
    jobs = {
        "cache": ("CPU", [(CACHE_SECONDS * seconds / 3600, 1) for seconds in songs]),
        "train": ("GPU", [(cost.training_hours, cost.gpus) for cost in costs] * seeds),
        "study_losses": (
            "GPU",
            [(sum(c.study_hours for c in costs), 1)] * seeds * bool(experiment.study),
        ),
        "probe": (
            "CPU",
            [
                (n_signals * cost.signal_hours, 1)
                for n_signals in (SIGNALS_BEFORE, SIGNALS_AFTER)
                for cost in costs
                for _ in range(seeds)
            ],
        ),
        "tone_seconds": (
            "CPU",
            [
                (
                    (SIGNALS_AFTER + QUIET_SIGNALS)
                    * sum(by_name[name].signal_hours for name in experiment.variants),
                    1,
                )
            ],
        ),
        "probe_snapshots": ("CPU", snapshots * seeds),
        "separate": ("GPU", [(cost.separation_hours, 1) for cost in costs] * seeds),
        "score": ("CPU", [(scoring / processes, processes)] * separations),
    }
    header = f"{'jobs':15} {'number':>7}  {'device':8} {'time each':>18} {'total':>14}"
    return [header, *(_job_line(rule, *row) for rule, row in jobs.items() if row[1])]


def _job_line(rule: str, device: str, jobs: list[tuple[float, int]]) -> str:
    """Write a row of the table; a job is (hours, number of devices)."""
    hours, counts = zip(*jobs, strict=True)
    total = sum(hour * count for hour, count in jobs)
    devices = f"{_span(counts)} {device}"
    each = " to ".join(dict.fromkeys([_time(min(hours)), _time(max(hours))]))
    return f"{rule:15} {len(jobs):7}  {devices:8} {each:>18} {_time(total):>14}"


def _span(values: Sequence[int]) -> str:
    return " to ".join(dict.fromkeys([str(min(values)), str(max(values))]))


def _time(hours: float) -> str:
    """A duration in the unit that a reader expects."""
    if hours * 3600 < 0.1:
        return "< 0.1 s"
    for unit, per_hour in (("s", 3600), ("min", 60)):
        if hours * per_hour < 100:
            return f"{hours * per_hour:.3g} {unit}"
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"
