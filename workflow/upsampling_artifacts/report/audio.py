"""Lossless audio embedded in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
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


def listening_grid(
    song_path: str | Path, estimates: Mapping[str, str | Path], seconds: float
) -> dict[str, Any]:
    """Players for one song: its mixture, its sources and the estimates of each system.

    Args:
        song_path: The cached song (``.npy``).
        estimates: For each system's name, its folder of estimates, which holds ``test/<song>``.
        seconds: Length of the excerpt.

    Returns:
        ``song``, ``start_seconds``, ``seconds``, ``rate_hz``, ``sources``, ``mixture`` (a data
        URI), and ``rows``: ``{"name", "uris"}`` with one data URI per source. All are the mean of
        the channels, which halves the size of the page.
    """
    song = read_cache(song_path)
    length = min(round(seconds * song.rate_hz), song.mixture.shape[-1])
    start = busiest_start(song.stems, length, song.rate_hz)
    excerpt = slice(start, start + length)

    def mono(signal: np.ndarray) -> str:
        return flac_uri(signal.mean(axis=0, keepdims=True), song.rate_hz)

    def uris(stems: Iterable[np.ndarray]) -> list[str]:
        return [mono(stem) for stem in stems]

    rows = [{"name": "reference", "uris": uris(waveform(song.stems[..., excerpt]))}]
    for name, folder in estimates.items():
        stems = [
            soundfile.read(
                Path(folder) / "test" / song.name / f"{source}.wav",
                start=start, stop=start + length, dtype="float32", always_2d=True,
            )[0].T
            for source in song.sources
        ]  # fmt: skip
        rows.append({"name": name, "uris": uris(stems)})
    return {
        "song": song.name,
        "start_seconds": start / song.rate_hz,
        "seconds": length / song.rate_hz,
        "rate_hz": song.rate_hz,
        "sources": song.sources,
        "mixture": mono(waveform(song.mixture[:, excerpt])),
        "rows": rows,
    }
