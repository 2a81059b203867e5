"""Tables of machines that most readers do not have: ``results/reference/<experiment>/``.

They come with the repository. ``snakemake reference`` copies them from a finished experiment, in
the columns of its own tables, and with its provenance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.statistics import mean_interval

TABLES = ("variants", "scores", "sdr_differences", "training")
COPIES = ("claims", "after_training", "over_training", "remedies_summary")
"""Tables that are copied as they are, and that a folder may lack."""

PROVENANCE = "provenance.json"

CONFIG_KEYS = (
    "experiment", "dataset", "synthetic_songs", "rate_hz", "size", "variants", "seeds", "training",
)  # fmt: skip
"""Keys of config that the provenance states. The rest follows from the commit."""


@dataclass(frozen=True)
class ReferenceTables:
    """A finished experiment, possibly of another machine.

    Attributes:
        variants: ``probes/variants.csv``, only the output's line at a quarter of the rate.
        scores: ``scores.csv``.
        sdr_differences: ``sdr_differences.csv``.
        training: ``training.csv`` of all runs, with the columns system and seed.
        provenance: ``provenance.json``, as of the report, with the GPU among ``machine`` and with
            ``config``: :data:`CONFIG_KEYS`, ``signal_seconds`` and ``test_songs``. ``remarks`` are
            sentences for the report. What was not recorded is None.
    """

    variants: pd.DataFrame
    scores: pd.DataFrame
    sdr_differences: pd.DataFrame
    training: pd.DataFrame
    provenance: dict[str, Any]


def read_reference(folder: str | Path) -> ReferenceTables:
    """Read the tables of a folder.

    Args:
        folder: ``results/reference/<experiment>``.

    Raises:
        InputError: A file is missing.
    """
    folder = Path(folder)
    for name in (*(f"{table}.csv" for table in TABLES), PROVENANCE):
        if not (folder / name).exists():
            raise InputError(
                f"{folder}: {name} is missing; restore it with: git checkout -- {folder}"
            )
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES}
    return ReferenceTables(**tables, provenance=read_provenance(folder))


def read_provenance(folder: str | Path) -> dict[str, Any]:
    """Read ``provenance.json`` of a folder of reference tables."""
    return json.loads(Path(folder, PROVENANCE).read_text(encoding="utf-8"))


def write_reference(
    folder: str | Path,
    variants: str | Path,
    scores: str | Path,
    sdr_differences: str | Path,
    training: Iterable[tuple[str, int, str | Path]],
    steps: str | Path,
    provenance: str | Path,
    copies: Iterable[str | Path],
    config: dict[str, Any],
    test_songs: Sequence[str],
) -> None:
    """Copy the tables of a finished experiment; earlier ones of the same name are replaced.

    Args:
        folder: Where to write them.
        variants: ``probes/variants.csv``, of which only a part is copied.
        scores: ``scores.csv``.
        sdr_differences: ``sdr_differences.csv``.
        training: System, seed and ``training.csv`` of each run.
        steps: ``benchmarks/steps.csv``; it knows the GPU.
        provenance: ``provenance.json``, written with the report.
        copies: Those of :data:`COPIES` that the experiment has.
        config: The complete configuration.
        test_songs: Names of the test songs.
    """
    tables = {
        "variants": tone_rows(pd.read_csv(variants), config["rate_hz"] / 4),
        "scores": pd.read_csv(scores),
        "sdr_differences": pd.read_csv(sdr_differences),
        "training": gather_training(training),
    }
    origin = json.loads(Path(provenance).read_text(encoding="utf-8"))
    devices = pd.read_csv(steps)["device"].dropna().unique()
    origin["machine"]["GPU"] = ", ".join(name for name in devices if name != "cpu") or None
    origin["config"] = {
        **{key: config[key] for key in CONFIG_KEYS},
        "signal_seconds": config["probes"]["signal_seconds"],
        "test_songs": list(test_songs),
    }
    origin["remarks"] = []
    for name, table in tables.items():
        with atomic_write(Path(folder, f"{name}.csv")) as unfinished:
            table.to_csv(unfinished, index=False)
    for name in COPIES:  # an earlier experiment's would contradict the rest
        Path(folder, f"{name}.csv").unlink(missing_ok=True)
    for path in map(Path, copies):
        with atomic_write(Path(folder, path.name)) as unfinished:
            unfinished.write_bytes(path.read_bytes())
    with atomic_write(Path(folder, PROVENANCE)) as unfinished:
        unfinished.write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def tone_rows(variants: pd.DataFrame, tone_hz: float) -> pd.DataFrame:
    """The rows of ``variants.csv`` that measure the output's line at one frequency.

    Of the whole output, as earlier versions measured it: the mean power of all sources.
    """
    of_output = (variants["layer"] == "output") & variants["source"].isna()
    return variants[of_output & np.isclose(variants["frequency_hz"], tone_hz)]


def gather_training(runs: Iterable[tuple[str, int, str | Path]]) -> pd.DataFrame:
    """Concatenate the ``training.csv`` of runs, given as system, seed and path."""
    tables = [pd.read_csv(path).assign(system=system, seed=seed) for system, seed, path in runs]
    table = pd.concat(tables)
    return table[["system", "seed", *table.columns.drop(["system", "seed"])]]


def summarize_tones(variants: pd.DataFrame, tone_hz: float) -> pd.DataFrame:
    """Mean over seeds of the output's line at one frequency, with 95 % Student t intervals.

    Args:
        variants: Columns of ``variants.csv``. Of each system, the arithmetic that comes first is
            used: that of separation, where it was probed.
        tone_hz: Frequency of the line.

    Returns:
        Columns mean, low and high (NaN with one seed), indexed by system, signal, stage and
        measure. The mean is -inf if all seeds are exactly silent.
    """
    rows = tone_rows(variants, tone_hz).rename(columns={"model": "system"})
    first = rows.groupby("system")["arithmetic"].transform("first")
    rows = rows[rows["arithmetic"] == first]
    key = ["system", "signal", "stage", "measure"]
    by_seed = rows.groupby([*key, "seed"], sort=False)["value"].mean().reset_index()
    summary = []
    for (system, signal, stage, measure), group in by_seed.groupby(key, sort=False):
        values = group["value"].to_numpy()
        interval = mean_interval(values[np.isfinite(values)])
        if np.isneginf(values).all():
            interval = (-np.inf, np.nan, np.nan)
        summary.append([system, signal, stage, measure, *interval])
    return pd.DataFrame(summary, columns=[*key, "mean", "low", "high"]).set_index(key)


def losses_at_equal_steps(
    training: pd.DataFrame, systems: Sequence[str]
) -> tuple[int, dict[str, float]]:
    """Validation losses at the last step at which all runs were validated.

    Systems that trained for equal time took different numbers of steps; this compares them after
    equal numbers.

    Args:
        training: Columns system, seed, step and valid_loss.
        systems: The systems, in order.

    Returns:
        The step, and the mean over seeds of the loss of each system; step 0 and no losses if the
        runs have no such step in common.
    """
    losses = training.pivot(index="step", columns=["system", "seed"], values="valid_loss")
    common = losses.dropna()
    if common.empty:
        return 0, {}
    last = common.iloc[-1].groupby(level="system").mean()
    return int(common.index[-1]), {name: float(last[name]) for name in systems}
