"""The loudest second of the tone in each test signal, to listen to and to look at."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from PIL import Image

from upsampling_artifacts.artifacts.spectra import thin_spectrogram
from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import COLOR_MAP, Look
from upsampling_artifacts.report.audio import flac_uri
from upsampling_artifacts.report.numbers import number, signed

MUSIC_DB = -20.0
"""Level re full scale at which a signal of RMS 1 (the music) is played without amplification."""

PEAK_DB = -12.0
"""Highest sample in the second of a signal, re full scale, after amplification: not too loud, and
still 86 dB above the resolution of 16 bits. Each bit costs 0.1 MB in the page."""

FADE_SECONDS = 0.01
"""The seconds are repeated: without a fade, each repetition would click."""

LOWEST_DB = -40.0
"""A lower margin says no more than this."""

RANGE_DB = 80.0
COLORS = 16  # few colors make small pictures
MAX_BINS = 86


def hear_it(
    csv_path: str | Path, arrays_path: str | Path, looks: Mapping[str, Look], tone_hz: float
) -> dict[str, Any]:
    """Values for the section in which the tones can be heard.

    Args:
        csv_path: ``tone_seconds.csv``.
        arrays_path: ``tone_seconds.npz``.
        looks: Names of the systems.
        tone_hz: Frequency of the tone.

    Returns:
        ``tone_height`` (of the tone in the spectrograms, in percent), ``range_db``, ``fade_ms``,
        ``music_db``, ``signals`` and ``first``. For each signal: ``signal``, ``name``, ``song``,
        ``source``, ``channel``, ``start_seconds``, ``audible`` (systems with an audible tone),
        ``worst`` (name of the system with the most audible tone), and what can be heard of the
        trained systems: ``gain`` (as text) and ``choices``, each ``{"system", "stage", "name",
        "tone", "sound", "picture"}``, the last two as data URIs. ``first`` is for the first
        screen: ``name``, ``gain`` and ``choices`` of one signal, of a system with an audible tone
        and one without, before and after training; None if no tone is audible in quiet.
    """
    table = pd.read_csv(csv_path, keep_default_na=False)
    table["row"] = range(len(table))  # of the arrays
    with np.load(arrays_path) as file:
        arrays = dict(file)
    trained = table[table["stage"] == "trained"]
    first = _first_rows(table)
    return {
        "tone_height": 100 * tone_hz / (int(arrays["rate_hz"]) / 2),
        "range_db": RANGE_DB,
        "fade_ms": 1000 * FADE_SECONDS,
        "music_db": MUSIC_DB,
        "signals": [
            _place(rows) | _audible(rows, looks) | _heard(rows, arrays, looks)
            for _, rows in trained.groupby("signal", sort=False)
        ],
        "first": None if first.empty else _place(first) | _heard(first, arrays, looks),
    }


def _first_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows for the first screen: a system with an audible tone after training, and one without.

    Of the first signal with a tone among those with seconds before training: a network without
    biases answers silence with silence, but near-silence with tones. Empty if there is none.
    """
    for signal in table["signal"][table["stage"] == "initialization"].unique():
        rows = table[table["signal"] == signal].set_index("system", drop=False)
        trained = rows[rows["stage"] == "trained"]
        audible = trained["tone_margin_db"] > 0
        if audible.any():
            return rows.loc[[*trained.index[audible][:1], *trained.index[~audible][:1]]]
    return table.iloc[:0]


def _place(rows: pd.DataFrame) -> dict[str, Any]:
    """Where in which signal the rows were heard: the same for all."""
    first = rows.iloc[0]
    keys = ("signal", "song", "source", "channel", "start_seconds")
    return {**{key: first[key] for key in keys}, "name": signal_name(str(first["signal"]))}


def _audible(rows: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, Any]:
    """In which systems the tone is audible, and in which it is most audible."""
    margins_db = rows["tone_margin_db"].to_numpy()
    return {
        "audible": [looks[name]["prose_name"] for name in rows["system"][margins_db > 0]],
        "worst": looks[rows["system"].iloc[margins_db.argmax()]]["label"],
    }


def _heard(
    rows: pd.DataFrame, arrays: Mapping[str, np.ndarray], looks: Mapping[str, Look]
) -> dict[str, Any]:
    """The sounds of the rows with one gain, pictures on one scale, and the tones in words."""
    rate_hz = int(arrays["rate_hz"])
    audio, levels_db = (arrays[name][rows["row"]] for name in ("audio", "level_db"))
    gain_db = _gain_db(audio)
    amplified = _faded(audio, rate_hz) * 10 ** ((MUSIC_DB + gain_db) / 20)
    return {
        "gain": f"{signed(gain_db, 0)} dB",
        "choices": [
            {
                "system": row["system"],
                "stage": row["stage"],
                "name": looks[row["system"]]["label"],
                "tone": _tone_text(row),
                "sound": flac_uri(second[None], rate_hz),
                "picture": picture,
            }
            for row, second, picture in zip(
                rows.to_dict("records"),
                amplified,
                _pictures(arrays["frequencies_hz"], levels_db),
                strict=True,
            )
        ],
    }


def _tone_text(row: dict[Hashable, Any]) -> str:
    level_db, margin_db = row["level_db"], row["audibility_margin_db"]
    if math.isinf(level_db):
        return "exactly silent"
    if margin_db <= 0:
        below = "" if margin_db > LOWEST_DB else "more than "
        return f"no audible tone: {below}{number(-max(margin_db, LOWEST_DB), 0)} dB below threshold"
    if row["tone_margin_db"] <= 0:
        return "not above chance: other frequencies stand out as much"
    return f"tone {number(level_db, 0)} dB, {number(margin_db, 0)} dB over threshold"


def _gain_db(audio: np.ndarray) -> int:
    """The amplification of a signal, the same for all systems, so that they can be compared."""
    peak = np.abs(audio).max()
    return math.floor(PEAK_DB - MUSIC_DB - 20 * np.log10(peak)) if peak > 0 else 0


def _faded(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """``(..., time)``, faded in and out."""
    ramp = np.arange(audio.shape[-1]) / (FADE_SECONDS * rate_hz)
    return audio * np.minimum(1, np.minimum(ramp, ramp[::-1]))


def _pictures(frequencies_hz: np.ndarray, levels_db: np.ndarray) -> list[str]:
    """Spectrograms as small pictures (data URIs), all on the scale of the loudest."""
    levels_db = levels_db.astype(np.float32)
    highest_db = levels_db.max() if np.isfinite(levels_db).any() else 0.0
    palette = mpl.colormaps[COLOR_MAP](np.linspace(0, 1, COLORS), bytes=True)[:, :3]
    pictures = []
    for level_db in levels_db:
        times = np.arange(level_db.shape[1])
        _, _, thin_db = thin_spectrogram((frequencies_hz, times, level_db), MAX_BINS)
        share = np.clip((thin_db - highest_db) / RANGE_DB + 1, 0, 1)
        image = Image.fromarray(np.round(share[::-1] * (COLORS - 1)).astype(np.uint8))
        image.putpalette(palette.tobytes())
        file = io.BytesIO()
        image.save(file, "png", optimize=True)
        content = base64.b64encode(file.getvalue()).decode("ascii")
        pictures.append(f"data:image/png;base64,{content}")
    return pictures
