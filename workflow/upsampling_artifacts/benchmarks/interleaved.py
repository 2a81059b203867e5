"""Interleaved timing: times that can be compared, because they are measured in alternation.

Each round runs everything that is compared once, in one process. Other load on the machine then
affects all of it alike. Ratios are medians of the ratios within each round, which vary less than
ratios of medians.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import torch

FEWEST_ROUNDS, MOST_ROUNDS = 7, 50

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


def time_interleaved(
    runs: Mapping[Key, Callable[[], object]],
    seconds: float,
    fewest: int = FEWEST_ROUNDS,
    most: int = MOST_ROUNDS,
) -> dict[Key, np.ndarray]:
    """Time several runs round by round, after one round of warm-up.

    Args:
        runs: What to compare, by name. A run does the same work each time, say a training step.
        seconds: No round begins after this time.
        fewest: Smallest number of rounds.
        most: Largest number of rounds.

    Returns:
        For each run its seconds, ``(rounds,)``. Equal indices belong to the same round.
    """
    for run in runs.values():  # warm-up: allocates memory, fills caches
        run()
    measured = [[time_call(run)[0] for run in runs.values()] for _ in rounds(seconds, fewest, most)]
    return dict(zip(runs, np.array(measured).T, strict=True))


def rounds(seconds: float, fewest: int = FEWEST_ROUNDS, most: int = MOST_ROUNDS) -> Iterator[int]:
    """Number the rounds that begin within ``seconds``: at least ``fewest``, at most ``most``."""
    started, number = time.perf_counter(), 0
    while number < fewest or (number < most and time.perf_counter() - started < seconds):
        yield number
        number += 1


def time_call(run: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds of one run, with all its work on a GPU, and what it returned."""
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
    """Low quartile, median and high quartile."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)


def machine_columns(device: torch.device | str) -> dict[str, object]:
    """Columns of every benchmark that describe the machine and its other load.

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
