"""Seeds and songs that tell 0.3 dB apart: `python -m tests.evaluation.power SCORES_CSV`.

Reads the scores of a finished experiment, and prints how far its paired SDR differences to
transposed convolution spread over seeds, over songs, and for other reasons. With these, it
simulates experiments in which a system differs by 0.3 dB, and counts those in which the interval of
`sdr_differences.csv` excludes zero. docs/design.md has the result for the demonstration.
"""

from __future__ import annotations

import itertools
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
from upsampling_artifacts.statistics import crossed_mean_interval

REFERENCE = "demucs_transposed"
SYSTEMS = ("demucs_nearest", "demucs_linear", "demucs_subpixel")
DIFFERENCE_DB = 0.3
SIMULATED = 1000


class Spread(NamedTuple):
    """Standard deviations in dB of the effects of a difference ``seed + song + rest``."""

    seeds: float
    songs: float
    rest: float


def spread(tables: list[np.ndarray]) -> Spread:
    """Estimate the spread from the mean squares of several tables ``(seeds, songs)``.

    An analysis of variance of two crossed random factors without repetition: the mean square of the
    seeds has the expectation ``rest**2 + n_songs * seeds**2``, that of the songs likewise. With one
    seed, seeds cannot be estimated (NaN), and the songs' spread includes the rest.
    """
    n_seeds, n_songs = tables[0].shape
    by_song = np.mean([table.mean(axis=0).var(ddof=1) for table in tables])
    if n_seeds == 1:
        return Spread(np.nan, float(np.sqrt(by_song)), np.nan)
    by_seed = np.mean([table.mean(axis=1).var(ddof=1) for table in tables])
    rest = np.mean(
        [
            (
                (table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()) ** 2
            ).sum()
            / ((n_seeds - 1) * (n_songs - 1))
            for table in tables
        ]
    )
    variances = [max(0.0, by_seed - rest / n_songs), max(0.0, by_song - rest / n_seeds), rest]
    return Spread(*map(float, np.sqrt(variances)))


def power(
    effects: Spread, n_seeds: int, n_songs: int, n_comparisons: int, simulated: int = SIMULATED
) -> tuple[float, float]:
    """Share of simulated experiments that resolve 0.3 dB, and the median half-width in dB."""
    rng = np.random.default_rng(0)
    halves, resolved = [], 0
    for _ in range(simulated):
        table = DIFFERENCE_DB + effects.rest * rng.standard_normal((n_seeds, n_songs))
        table += effects.seeds * rng.standard_normal((n_seeds, 1))
        table += effects.songs * rng.standard_normal(n_songs)
        mean, low, high = crossed_mean_interval(table, 1 - 0.05 / n_comparisons)
        halves.append(high - mean)
        resolved += low > 0
    return resolved / simulated, float(np.median(halves))


def differences(scores: pd.DataFrame, system: str) -> np.ndarray:
    """Differences ``(seeds, songs)`` in the mean over sources."""
    sdr = scores[scores["metric"] == "SDR"]
    means = sdr.groupby(["system", "seed", "song"])["value_db"].mean()
    return (means[system] - means[REFERENCE]).unstack("song").to_numpy()


def main(scores_path: str) -> None:
    scores = pd.read_csv(scores_path)
    scores = scores[scores["n_frames"] > 6]  # not the excerpt, which has six
    tables = [differences(scores, system) for system in SYSTEMS]
    for system, table in zip(SYSTEMS, tables, strict=True):
        print(f"{system:16} {table.mean():+.3f} dB, {spread([table])}")
    effects = spread(tables)
    n_seeds, n_songs = tables[0].shape
    print(f"{'all':16} {effects}, {n_seeds} seeds x {n_songs} songs\n")
    if n_seeds == 1:
        return
    print("                 one comparison          three comparisons")
    print("seeds  songs     resolved half-width     resolved half-width")
    for n_seeds, n_songs in itertools.product((3, 4, 5, 6), (3, 6, 12, 24)):
        cells = [power(effects, n_seeds, n_songs, count) for count in (1, 3)]
        numbers = "".join(f"{resolved:12.2f} {half:8.2f} dB" for resolved, half in cells)
        print(f"{n_seeds:5} {n_songs:6} {numbers}")


if __name__ == "__main__":
    main(*sys.argv[1:])
