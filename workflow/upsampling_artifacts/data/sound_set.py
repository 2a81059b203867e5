"""The files of the out-of-distribution sounds: how they are stored, and how to read them.

:mod:`data.out_of_distribution` writes them. It is a separate module, so that jobs that only read
the sounds do not import its dependencies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.errors import InputError

TABLE = "sounds.csv"
COLUMNS = [
    "name", "kind", "file", "seconds", "rate_hz", "channels", "level_db", "licence", "origin",
]  # fmt: skip

LEVEL = 1 / 16
"""What 1 in a network's units (the RMS of a normalized mixture) becomes in a file, re full scale.
-24 dB leaves headroom for the peaks of speech."""

YOURS = "yours"
"""The kind of a sound that the user added."""


def out_of_distribution(folder: str | Path) -> dict[str, np.ndarray]:
    """Read the sounds that :func:`data.out_of_distribution.write_out_of_distribution` wrote.

    Args:
        folder: The folder with the sounds and their table.

    Returns:
        Each sound by name, ``(channels, time)`` float32 in a network's units: 1 is the RMS of a
        normalized mixture, and of all sounds but silence and impulses.

    Raises:
        InputError: The folder does not hold these sounds.
    """
    folder = Path(folder)
    table = read_table(folder)
    return {
        name: soundfile.read(folder / file, dtype="float32")[0].T / np.float32(LEVEL)
        for name, file in zip(table["name"], table["file"], strict=True)
    }


def read_table(folder: str | Path) -> pd.DataFrame:
    """Read the table of the sounds.

    Args:
        folder: The folder with the sounds and their table.

    Returns:
        One row per sound, with the columns ``COLUMNS``.

    Raises:
        InputError: The folder does not hold these sounds.
    """
    path = Path(folder) / TABLE
    if not path.is_file():
        raise InputError(f"{path}: no such file; create it with `snakemake out_of_distribution`")
    return pd.read_csv(path)
