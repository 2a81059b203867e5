"""Times that can be compared: what is compared takes turns, in one process.

What else the machine does meets all of them alike, so a ratio is the median of the ratios within
each turn; it is steadier than the ratio of medians.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

import numpy as np
import torch

FEWEST, MOST = 7, 50

Key = TypeVar("Key", bound=Hashable)
Run = Callable[[], object]


def time_interleaved(
    runs: dict[Key, Run], seconds: float, fewest: int = FEWEST, most: int = MOST
) -> dict[Key, np.ndarray]:
    """Time each of several runs, turn by turn, after one turn that is not counted.

    Args:
        runs: What is compared, by name; a run does the same each time, say a training step.
        seconds: Turns begin until so much time is over.
        fewest: But at least so many turns.
        most: And at most so many.

    Returns:
        The seconds of each run, as many for each, in order: where they stand at the same index,
        they were measured one after the other.
    """
    for run in runs.values():  # makes and loads what the others find
        run()
    measured = [[timed(run)[0] for run in runs.values()] for _ in turns(seconds, fewest, most)]
    return dict(zip(runs, np.array(measured).T, strict=True))


def turns(seconds: float, fewest: int = FEWEST, most: int = MOST) -> Iterator[int]:
    """Count turns for so many seconds, but at least and at most so many."""
    started, turn = time.perf_counter(), 0
    while turn < fewest or (turn < most and time.perf_counter() - started < seconds):
        yield turn
        turn += 1


def timed(run: Run) -> tuple[float, object]:
    """Seconds of one run, to its end also where a GPU works at it, and what it returned."""
    synchronize()
    started = time.perf_counter()
    result = run()
    synchronize()
    return time.perf_counter() - started, result


def synchronize() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Low quartile, median, high quartile."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)


def surroundings(device: torch.device | str) -> dict[str, object]:
    """Where it was measured, and what else ran: columns of every benchmark.

    Returns:
        ``device`` (a GPU's name, or "cpu"), ``threads``, ``cores``, ``load_average`` (of the last
        minute).
    """
    on_gpu = torch.device(device).type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
