"""The files that hold the result of probing a user-supplied model or an audio file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.audio_file_probe import FileProbeResult
from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.probes.model_lines import tone_groups, unpredicted_lines
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult

MAX_MARKED = 40
"""More tones of a model are too close together to be marked."""


def write_result(result: ModelProbeResult | FileProbeResult, folder: Path) -> Path:
    """Write the tables, the summary and the arrays of the figure.

    Args:
        result: The result of the probe.
        folder: Where to write ``measures.csv`` and ``layers.csv`` (of a model) or ``lines.csv`` (of
            a file), ``summary.txt`` and ``spectrograms.npz``.

    Returns:
        The path of ``spectrograms.npz``. It holds the result's arrays, ``predicted_hz`` (the
        frequencies that a stride explains) and ``<signal>_found_hz`` (all other lines).
    """
    tables = (
        {"lines": result.lines}
        if isinstance(result, FileProbeResult)
        else {"measures": result.measures, "layers": result.layers}
    )
    for name, table in tables.items():
        with atomic_write(folder / f"{name}.csv") as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6g")
    with atomic_write(folder / "summary.txt") as unfinished:
        unfinished.write_text(f"{result}\n", encoding="utf-8")
    predicted_hz, others = marked_frequencies(result)
    found = {f"{signal}_found_hz": np.array(lines_hz) for signal, lines_hz in others.items()}
    arrays: dict[str, Any] = {**result.arrays, **found, "predicted_hz": np.array(predicted_hz)}
    path = folder / "spectrograms.npz"
    with atomic_write(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
    return path


def result_json(result: ModelProbeResult | FileProbeResult) -> str:
    """Write what was found as JSON, for programs.

    Args:
        result: The result of a probe.

    Returns:
        An object with the keys ``name``, ``rate_hz``, ``layers`` (of a model) and ``findings``, on
        one line. Numbers that are not finite are ``null``.

    >>> from upsampling_artifacts.probes.findings import Finding
    >>> print(plain(Finding("offset", "An offset.", {"level_db": -np.inf})))
    {'kind': 'offset', 'sentence': 'An offset.', 'values': {'level_db': None}}
    """
    about: dict[str, Any] = {"name": result.name, "rate_hz": result.rate_hz}
    if isinstance(result, ModelProbeResult):
        about["layers"] = result.layers.drop(columns="model").to_dict("records")
    return json.dumps(
        plain({**about, "findings": getattr(result, "findings", [])}), allow_nan=False
    )


def plain(value: Any) -> Any:
    """Convert a value to what JSON knows: numbers that are not finite become None."""
    if isinstance(value, Finding):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [plain(part) for part in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)


def marked_frequencies(
    result: ModelProbeResult | FileProbeResult,
) -> tuple[list[float], dict[str, list[float]]]:
    """Collect the frequencies that the figure marks.

    Args:
        result: The result of a probe.

    Returns:
        ``(predicted, others)`` in Hz: frequencies that a stride explains (of a model, those of the
        shortest periods, :data:`MAX_MARKED` in all), and, by test signal, those of all other lines.
    """
    if isinstance(result, FileProbeResult):
        audible = result.lines[result.lines["level_db"] >= INAUDIBLE_DB]
        frequencies_hz, fits = audible["frequency_hz"], audible["stride"].notna()
        return list(frequencies_hz[fits]), {"file": list(frequencies_hz[~fits])}
    others = unpredicted_lines(result.measures, result.tones_hz, result.rate_hz)
    by_signal = {
        str(signal): list(group) for signal, group in others.groupby("signal")["frequency_hz"]
    }
    marked: list[float] = []
    for group in tone_groups(result.layers, result.tones_hz, result.rate_hz):
        if len(marked) + len(group.tones_hz) <= MAX_MARKED:
            marked += list(group.tones_hz)
    return sorted(marked), by_signal
