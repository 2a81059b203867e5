"""Interleaved timing: times are comparable because they are measured in alternation.

Each round runs every candidate once, in one process, so other load on the machine affects all of
them alike. Report medians of the ratios within each round: they vary less than ratios of medians.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import torch

MIN_ROUNDS, MAX_ROUNDS = 7, 50

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


def time_interleaved(
    runs: Mapping[Key, Callable[[], object]],
    seconds: float,
    min_rounds: int = MIN_ROUNDS,
    max_rounds: int = MAX_ROUNDS,
) -> dict[Key, np.ndarray]:
    """Time several runs round by round, after one round of warm-up.

    Args:
        runs: What to compare, by name. A run does the same work each time, e.g. a training step.
        seconds: No round begins after this time.
        min_rounds: Minimum number of rounds, however long they take.
        max_rounds: Maximum number of rounds.

    Returns:
        For each run its seconds, ``(rounds,)``. Equal indices belong to the same round.
    """
    for run in runs.values():  # warm-up: allocates memory, fills caches
        run()
    measured = [
        [time_call(run)[0] for run in runs.values()]
        for _ in rounds(seconds, min_rounds, max_rounds)
    ]
    return dict(zip(runs, np.array(measured).T, strict=True))


def rounds(
    seconds: float, min_rounds: int = MIN_ROUNDS, max_rounds: int = MAX_ROUNDS
) -> Iterator[int]:
    """Number the rounds that begin within ``seconds``, within the limits on their number."""
    started, number = time.perf_counter(), 0
    while number < min_rounds or (number < max_rounds and time.perf_counter() - started < seconds):
        yield number
        number += 1


def time_call(run: Callable[[], Result]) -> tuple[float, Result]:
    """Run once; return the seconds, including all work on a GPU, and the result."""
    synchronize()
    started = time.perf_counter()
    result = run()
    synchronize()
    return time.perf_counter() - started, result


def synchronize() -> None:
    """Wait for the GPU, if the machine has one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """The low quartile, the median and the high quartile."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)


def machine_columns(device: torch.device | str) -> dict[str, object]:
    """Columns of every benchmark that describe the machine and its load.

    Args:
        device: The device of the benchmark.

    Returns:
        ``device`` (the GPU's name, or "cpu"), ``threads``, ``cores``, and ``load_average`` (of the
        last minute).
    """
    on_gpu = torch.device(device).type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
