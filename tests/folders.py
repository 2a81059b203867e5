"""User-supplied data sets: folders of wav files, and the state of folders."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import soundfile


def write_song(
    folder: Path, stems: list[str], rate_hz: int, seconds: float = 4.0, seed: int = 0
) -> None:
    """Write a song whose stems are noise that swells and fades; the mixture is their sum."""
    rng = np.random.default_rng([seed, len(folder.name)])
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * np.outer(1 + np.arange(len(stems)), time) / seconds)
    audio = rng.integers(-2000, 2000, (len(stems), len(time), 2)) * swell[:, :, None]
    audio = audio.astype(np.int16)
    folder.mkdir(parents=True)
    mixture = audio.sum(axis=0, dtype=np.int16)
    for name, samples in zip(["mixture", *stems], [mixture, *audio], strict=True):
        soundfile.write(folder / f"{name}.wav", samples, rate_hz, subtype="PCM_16")


def state_of(root: Path) -> dict[str, tuple]:
    """Return the modification time and a hash of everything in a folder, by path."""
    return {
        str(path): (path.stat().st_mtime_ns, path.is_file() and hash_of(path))
        for path in [root, *root.rglob("*")]
    }


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
