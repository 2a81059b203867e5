"""Frames that museval cannot score, and the tones that the estimates have in them.

museval scores no source of a frame in which a reference or an estimate is exactly silent. A tone
that a network emits in silence is loudest, relative to the music, in the estimate of a silent stem:
there, no SDR sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.artifacts.lines import measure_line
from upsampling_artifacts.artifacts.masking import masking_margin_db
from upsampling_artifacts.data.cached_song import CachedSong, read_cache
from upsampling_artifacts.evaluation.scoring import read_frames
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.statistics import mean_interval

COLUMNS = [
    "system", "seed", "song", "source", "n_frames", "n_unscored", "n_silent", "frequency_hz",
    "level_db", "masking_margin_db",
]  # fmt: skip


def unscored_frames(
    runs: Sequence[str | Path], cached_songs: Sequence[str | Path], tones_hz: Sequence[float]
) -> pd.DataFrame:
    """Count the unscored frames of each run, song and source, and measure tones in them.

    Tones are measured in the estimate of a source in those frames in which its reference is
    silent. In the others the source plays, and its own partials may lie at the tones' frequencies.
    Each frame of one second is measured by itself, as museval scores it, so that tones in short
    and in long silences are resolved equally; the window of the spectrum fades in and out within
    the frame, so that sound beyond its edges does not count. The median over frames leaves out
    those into which a decaying sound reaches.

    Args:
        runs: Folders ending in ``<system>/seed-<n>``, with ``scores`` and ``estimates``.
        cached_songs: The cached songs (``.npy``) that were scored.
        tones_hz: Predicted frequencies of tones.

    Returns:
        The columns ``COLUMNS``, one row per run, song, source and tone. ``n_silent`` counts the
        unscored frames in which the source's reference is silent; ``level_db`` (re the RMS of the
        mixture) and ``masking_margin_db`` are medians over these. Both are -inf for an estimate
        that is exactly silent, and NaN without such frames. The margin is NaN at frequencies at
        which it is undefined (:func:`masking.masking_margins_db`).
    """
    songs = {song.name: song for song in map(read_cache, cached_songs)}
    rows = []
    for run in map(Path, runs):
        frames = read_frames([run / "scores"])
        frames = frames[frames["metric"] == "SDR"]
        for key, group in frames.groupby(["system", "seed", "song", "source"], sort=False):
            song, source = songs[str(key[2])], str(key[3])
            unscored = group.loc[group["value_db"].isna(), "frame"]
            silent = [frame for frame in unscored if _is_silent(song, source, frame)]
            path = run / "estimates" / "test" / song.name / f"{source}.wav"
            estimates = [_estimate(path, song, frame) for frame in silent]
            signals = [signal for signal in estimates if np.isfinite(signal).all()]
            for tone_hz in tones_hz:
                row = *key, len(group), len(unscored), len(silent), tone_hz
                rows.append((*row, *_tone_medians(signals, song.rate_hz, tone_hz)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_silent(song: CachedSong, source: str, frame: int) -> bool:
    stem = song.stems[song.sources.index(source)]
    return not stem[:, frame * song.rate_hz : (frame + 1) * song.rate_hz].any()


def _estimate(path: Path, song: CachedSong, frame: int) -> np.ndarray:
    """One frame of an estimate, ``(channels, time)``, re the RMS of the mixture."""
    samples, _ = soundfile.read(path, song.rate_hz, start=frame * song.rate_hz, always_2d=True)
    return samples.T / song.scale


def _tone_medians(
    signals: Sequence[np.ndarray], rate_hz: int, tone_hz: float
) -> tuple[float, float]:
    """Level and masking margin of a tone, each the median over frames."""
    if not signals:
        return float("nan"), float("nan")
    levels_db = [measure_line(signal, rate_hz, tone_hz).level_db for signal in signals]
    margins_db = [
        masking_margin_db(signal, rate_hz, tone_hz) if signal.any() else -np.inf
        for signal in signals
    ]
    return float(np.median(levels_db)), float(np.median(margins_db))


def summarize_unscored_frames(table: pd.DataFrame, tone_hz: float) -> pd.DataFrame:
    """Tones in the estimates of silent stems: medians over songs and sources, means over seeds.

    Args:
        table: From :func:`unscored_frames`.
        tone_hz: The tone.

    Returns:
        One row per system that has unscored frames with a silent stem, with the columns system,
        n_seeds, n_exactly_silent (seeds whose estimates are exactly zero, which have no tone and
        are left out of the means), n_silent (frames per seed), and for level and masking_margin
        ``<name>_db``, ``<name>_low_db`` and ``<name>_high_db`` (95 % Student t interval).
    """
    rows = []
    table = table[np.isclose(table["frequency_hz"], tone_hz) & (table["n_silent"] > 0)]
    for system, group in table.groupby("system", sort=False):
        by_seed = group.groupby("seed")
        n_silent = int(by_seed["n_silent"].sum().max())
        medians = by_seed[["level_db", "masking_margin_db"]].median()
        with_tone = medians[np.isfinite(medians["level_db"])]
        row = {"system": system, "n_seeds": len(medians), "n_silent": n_silent}
        row["n_exactly_silent"] = len(medians) - len(with_tone)
        for name in ("level", "masking_margin"):
            mean, low, high = mean_interval(with_tone[f"{name}_db"].to_numpy())
            row |= {f"{name}_db": mean, f"{name}_low_db": low, f"{name}_high_db": high}
        rows.append(row)
    return pd.DataFrame(rows)


def write_unscored_frames(
    runs: Sequence[str | Path],
    cached_songs: Sequence[str | Path],
    tones_hz: Sequence[float],
    csv_path: str | Path,
) -> None:
    """Write ``unscored_frames.csv``; see :func:`unscored_frames`.

    Args:
        runs: As for :func:`unscored_frames`.
        cached_songs: As for :func:`unscored_frames`.
        tones_hz: As for :func:`unscored_frames`.
        csv_path: File to write.
    """
    table = unscored_frames(runs, cached_songs, tones_hz)
    with atomic_write(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.3f")
