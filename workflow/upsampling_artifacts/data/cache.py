"""Decoding songs once, and checking them, at the experiment's rate.

:mod:`cached_song` says what is written.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from upsampling_artifacts.data.cached_song import FULL_SCALE
from upsampling_artifacts.data.checks import full_scale_samples, level_db, sha256, silent_seconds
from upsampling_artifacts.data.musdb18 import CHANNELS, Recording, read_song, require_ffmpeg
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write

logger = logging.getLogger(__name__)


def cache_song(
    song: str | Path,
    path: str | Path,
    sources: list[str],
    rate_hz: int,
    allow_silent: bool,
    setup: dict | None = None,
    otherwise: str = "or leave the song out",
) -> None:
    """Read one song through musdb, check it, and write it to the cache.

    Args:
        song: Its folder of wav files, or its ``.stem.mp4``.
        path: Where to, ending in ``.npy``.
        sources: The stems to keep, in this order.
        rate_hz: The experiment's rate.
        allow_silent: Whether a stem without any sound is acceptable.
        setup: Which stems the song has, as :func:`layout.read_setup` gives it.
        otherwise: What one can do with a song that is wrong, other than mending it.

    Raises:
        InputError: As :func:`read_song`, with that at the end.
    """
    require_ffmpeg()
    try:
        recording = read_song(Path(song), sources, allow_silent, setup)
    except InputError as error:
        raise InputError(f"{error}; {otherwise}") from error
    write_cache(recording, path, rate_hz)


def write_cache(recording: Recording, path: str | Path, rate_hz: int) -> None:
    """Resample a recording and write ``path`` (``.npy``) and its ``.json``.

    The latter also holds the facts of the mixture and of each source, as they are in the source
    files (level, samples at full scale) and in the cache (clipped samples, silent seconds).

    Args:
        recording: All stems of one song.
        path: Where to, ending in ``.npy``.
        rate_hz: The experiment's rate.
    """
    path = Path(path)
    pcm, clipped = quantised(resampled(recording.audio, recording.rate_hz, rate_hz))
    if any(clipped):
        logger.info(f"{recording.name}: {sum(clipped)} samples clipped at {rate_hz} Hz")
    stems = {
        stem: {
            "level_db": level_db(recording.audio[row]),
            "full_scale_samples": full_scale_samples(recording.audio[row]),
            "clipped_samples": clipped[row],
            "silent_seconds": silent_seconds(pcm[row], rate_hz),
        }
        for row, stem in enumerate(["mixture", *recording.sources])
    }
    for facts, origin in zip(stems.values(), recording.origins, strict=False):
        facts["seconds"] = origin.samples / recording.rate_hz
        facts["channels"] = CHANNELS
        facts["sha256"] = sha256(origin.files)
        facts["trimmed_samples"] = origin.trimmed_samples
    about = {
        "song": recording.name,
        "rate_hz": rate_hz,
        "source_rate_hz": recording.rate_hz,
        "sources": list(recording.sources),
        # At least one bit: a mixture without sound in the middle is divided by this too.
        "scale": max(1, float(pcm[0].mean(axis=0, dtype=np.float64).std())) / FULL_SCALE,
        "residual_db": recording.residual_db,
        "stems": stems,
    }
    with atomic_write(path) as unfinished:
        np.save(unfinished, pcm)
    with atomic_write(path.with_suffix(".json")) as unfinished:
        unfinished.write_text(json.dumps(about, indent=1))


def resampled(audio: np.ndarray, rate_hz: int, new_rate_hz: int) -> np.ndarray:
    """Audio ``(stems, channels, time)`` at another rate; itself, if it is the same.

    By torchaudio's windowed sinc with a Kaiser window of 64 zero crossings, its "kaiser best"
    (passband to 0.948 of the lower Nyquist frequency).
    """
    if new_rate_hz == rate_hz:
        return audio
    # Imported here: it takes two seconds, and most experiments have songs at their own rate.
    import torch
    from torchaudio.functional import resample

    return np.stack(  # one at a time, for the memory of long songs
        [
            resample(
                torch.from_numpy(stem),
                rate_hz,
                new_rate_hz,
                lowpass_filter_width=64,
                rolloff=0.9475937167399596,
                resampling_method="sinc_interp_kaiser",
                beta=14.769656459379492,
            ).numpy()
            for stem in audio
        ]
    )


def quantised(audio: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Audio ``(stems, channels, time)`` re full scale as int16, and what was clipped of each."""
    pcm = np.empty(audio.shape, np.int16)
    clipped = []
    for row, stem in enumerate(audio):
        rounded = np.round(stem * FULL_SCALE)
        beyond = (rounded < -FULL_SCALE) | (rounded > FULL_SCALE - 1)
        clipped.append(int(np.count_nonzero(beyond)))
        pcm[row] = rounded.clip(-FULL_SCALE, FULL_SCALE - 1)
    return pcm, clipped
