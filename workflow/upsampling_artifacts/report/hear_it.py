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
        ``music_db`` and ``signals``. For each signal: ``signal``, ``name``, ``song``, ``source``,
        ``channel``, ``start_seconds``, ``gain`` (as text), ``audible`` (systems with
        an audible tone), ``worst`` (index of the system with the most audible tone), and per system
        ``names``, ``tones`` (as text), ``sounds`` and ``pictures`` (data URIs).
    """
    table = pd.read_csv(csv_path, keep_default_na=False)
    with np.load(arrays_path) as file:
        arrays = dict(file)
    rate_hz = int(arrays["rate_hz"])
    signals = []
    for (name, rows), audio, levels_db in zip(
        table.groupby("signal", sort=False), arrays["audio"], arrays["level_db"], strict=True
    ):
        gain_db = _gain_db(audio)
        amplified = _faded(audio, rate_hz) * 10 ** ((MUSIC_DB + gain_db) / 20)
        signals.append(
            rows.iloc[0][["signal", "song", "source", "channel", "start_seconds"]].to_dict()
            | _tones(rows, looks)
            | {
                "name": signal_name(str(name)),
                "gain": f"{signed(gain_db, 0)} dB",
                "sounds": [flac_uri(second[None], rate_hz) for second in amplified],
                "pictures": _pictures(arrays["frequencies_hz"], levels_db),
            }
        )
    return {
        "tone_height": 100 * tone_hz / (rate_hz / 2),
        "range_db": RANGE_DB,
        "fade_ms": 1000 * FADE_SECONDS,
        "music_db": MUSIC_DB,
        "signals": signals,
    }


def _tones(rows: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The tone of each system in words, and in which it is audible and most audible."""
    names = [looks[system]["label"] for system in rows["system"]]
    margins_db = rows["tone_margin_db"].to_numpy()
    return {
        "names": names,
        "worst": int(margins_db.argmax()),
        "audible": [looks[name]["prose_name"] for name in rows["system"][margins_db > 0]],
        "tones": [_tone_text(row) for row in rows.to_dict("records")],
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
