"""Sounds inside the page, without loss."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import CachedSong, read_cache, waveform


def flac_uri(audio: np.ndarray, rate_hz: int) -> str:
    """Audio as a FLAC data URI.

    FLAC, because a lossy codec may hide or add just what is to be heard. Its 16 bits take
    in artifacts down to -98 dB re full scale; what exceeds full scale is clipped.

    Args:
        audio: ``(channels, time)`` re full scale.
        rate_hz: Sampling rate.
    """
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1).T, rate_hz, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def busiest_start(stems: np.ndarray, length: int, rate_hz: int) -> int:
    """Where to listen: the excerpt in which all sources are present, as far as one is.

    That of the largest product of the sources' energies: one that is silent makes it zero.

    Args:
        stems: ``(sources, channels, time)``.
        length: Length of the excerpt in samples.
        rate_hz: Sampling rate; excerpts begin at whole seconds.

    Returns:
        First sample of the excerpt; 0 if the song is not longer than it.
    """
    power = (stems.astype(np.float64) ** 2).mean(axis=1)
    power /= np.maximum(power.mean(axis=1, keepdims=True), np.finfo(float).tiny)
    summed = np.pad(power.cumsum(axis=1), ((0, 0), (1, 0)))
    starts = np.arange(0, max(stems.shape[-1] - length, 0) + 1, rate_hz)
    presence = summed[:, np.minimum(starts + length, stems.shape[-1])] - summed[:, starts]
    logarithms = np.log(np.maximum(presence, np.finfo(float).tiny))
    return int(starts[logarithms.sum(axis=0).argmax()])


def listening_grid(
    song_path: str | Path, estimates: dict[str, str | Path], seconds: float
) -> dict[str, object]:
    """Players for one song: its mixture, its sources and what each system made of it.

    Args:
        song_path: The cached song (``.npy``).
        estimates: For each row's name, the folder of estimates that holds ``test/<song>``.
        seconds: Length of the excerpt.

    Returns:
        ``song``, ``start_seconds``, ``seconds``, ``rate_hz``, ``sources``, ``mixture`` (a data
        URI), and ``rows``: ``{"name", "uris"}`` with one URI per source.
    """
    song = read_cache(song_path)
    length = min(round(seconds * song.rate_hz), song.mixture.shape[-1])
    start = busiest_start(song.stems, length, song.rate_hz)
    excerpt = slice(start, start + length)
    rows = [{"name": "reference", "uris": _uris(waveform(song.stems[..., excerpt]), song)}]
    for name, folder in estimates.items():
        audio = [
            soundfile.read(
                Path(folder) / "test" / song.name / f"{source}.wav",
                start=start, stop=start + length, dtype="float32", always_2d=True,
            )[0].T
            for source in song.sources
        ]  # fmt: skip
        rows.append({"name": name, "uris": _uris(audio, song)})
    return {
        "song": song.name,
        "start_seconds": start / song.rate_hz,
        "seconds": length / song.rate_hz,
        "rate_hz": song.rate_hz,
        "sources": song.sources,
        "mixture": flac_uri(waveform(song.mixture[:, excerpt]), song.rate_hz),
        "rows": rows,
    }


def _uris(audio: np.ndarray | list[np.ndarray], song: CachedSong) -> list[str]:
    return [flac_uri(stem, song.rate_hz) for stem in audio]
