"""Lossless audio embedded in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import read_cache, waveform


def flac_uri(audio: np.ndarray, rate_hz: int) -> str:
    """Encode audio as a FLAC data URI.

    FLAC is lossless: a lossy codec could hide the artifacts under study or add its own. Its 16
    bits resolve artifacts down to -98 dB re full scale. Samples beyond full scale are clipped.

    Args:
        audio: ``(channels, time)`` re full scale.
        rate_hz: Sampling rate.

    Returns:
        ``data:audio/flac;base64,...``.
    """
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1).T, rate_hz, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def busiest_start(stems: np.ndarray, length: int, rate_hz: int) -> int:
    """Find the excerpt in which all sources are most active.

    It maximizes the product of the sources' energies, so one silent source rules an excerpt out.

    Args:
        stems: ``(sources, channels, time)``.
        length: Length of the excerpt in samples.
        rate_hz: Sampling rate; excerpts start at whole seconds.

    Returns:
        First sample of the excerpt; 0 if the song is not longer than the excerpt.
    """
    power = (stems.astype(np.float64) ** 2).mean(axis=1)
    power /= np.maximum(power.mean(axis=1, keepdims=True), np.finfo(float).tiny)
    cumulative = np.pad(power.cumsum(axis=1), ((0, 0), (1, 0)))
    starts = np.arange(0, max(stems.shape[-1] - length, 0) + 1, rate_hz)
    ends = np.minimum(starts + length, stems.shape[-1])
    energy = cumulative[:, ends] - cumulative[:, starts]
    log_energy = np.log(np.maximum(energy, np.finfo(float).tiny))
    return int(starts[log_energy.sum(axis=0).argmax()])


def matching_gain_db(signal: np.ndarray, reference: np.ndarray) -> float:
    """The gain at which a signal has the RMS of another, or less if it would clip.

    Args:
        signal: ``(channels, time)`` re full scale.
        reference: Likewise.

    Returns:
        In dB; 0 if either is silent.

    Example:
        >>> tone = 0.1 * np.sin(np.arange(8000))[None]
        >>> round(matching_gain_db(tone / 10, tone), 1)
        20.0
        >>> round(matching_gain_db(5 * tone, 50 * tone), 1)  # its peak is at -6 dB
        6.0
    """
    powers = [float(np.mean(np.square(audio, dtype=np.float64))) for audio in (signal, reference)]
    if not all(powers):
        return 0.0
    gain_db = 10 * np.log10(powers[1] / powers[0])
    return float(min(gain_db, -20 * np.log10(np.abs(signal).max())))


def listening_grid(
    song_path: str | Path, estimates: Mapping[str, str | Path], seconds: float
) -> dict[str, Any]:
    """What can be heard of one song: its mixture, its sources and the estimates of each system.

    Args:
        song_path: The cached song (``.npy``).
        estimates: For each system's name, its folder of estimates, which holds ``test/<song>``.
        seconds: Length of the excerpt.

    Returns:
        ``song``, ``start_seconds``, ``seconds``, ``rate_hz``, ``sources``, and ``rows``, of which
        the first two are ``mixture`` and ``reference``: ``{"name", "uris", "gains_db"}`` with one
        data URI per source (one for all, of the mixture) and, for each source, the gain that gives
        it the level of the reference. All are the mean of the channels, which halves the size of
        the page.
    """
    song = read_cache(song_path)
    length = min(round(seconds * song.rate_hz), song.mixture.shape[-1])
    start = busiest_start(song.stems, length, song.rate_hz)
    excerpt = slice(start, start + length)

    def mono(signal: np.ndarray) -> np.ndarray:
        """``(1, time)``, as it is heard."""
        return np.clip(signal.mean(axis=0, keepdims=True), -1, 1)

    references = [mono(stem) for stem in waveform(song.stems[..., excerpt])]

    def row(name: str, signals: Sequence[np.ndarray]) -> dict[str, Any]:
        by_source = signals if len(signals) > 1 else [*signals] * len(references)
        return {
            "name": name,
            "uris": [flac_uri(signal, song.rate_hz) for signal in signals],
            "gains_db": [
                round(matching_gain_db(signal, reference), 1)
                for signal, reference in zip(by_source, references, strict=True)
            ],
        }

    rows = [
        row("mixture", [mono(waveform(song.mixture[:, excerpt]))]),
        row("reference", references),
    ]
    for name, folder in estimates.items():
        files = [Path(folder) / "test" / song.name / f"{source}.wav" for source in song.sources]
        rows.append(row(name, [mono(_read(file, excerpt)) for file in files]))
    return {
        "song": song.name,
        "start_seconds": start / song.rate_hz,
        "seconds": length / song.rate_hz,
        "rate_hz": song.rate_hz,
        "sources": song.sources,
        "rows": rows,
    }


def _read(path: Path, excerpt: slice) -> np.ndarray:
    """``(channels, time)`` of an audio file; silent where it is infinite or not a number."""
    audio, _ = soundfile.read(
        path, start=excerpt.start, stop=excerpt.stop, dtype="float32", always_2d=True
    )
    return np.where(np.isfinite(audio), audio, 0).T
