"""Decode songs once, check them, and cache them at the experiment's sampling rate.

:mod:`upsampling_artifacts.data.cached_song` describes the format.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np

from upsampling_artifacts.data.cached_song import (
    AUDIO_CHANNELS,
    CHECKSUM,
    FULL_SCALE,
    cache_checksum,
)
from upsampling_artifacts.data.checks import (
    full_scale_samples,
    level_db,
    residual_db,
    sha256,
    silent_seconds,
)
from upsampling_artifacts.data.musdb18 import Recording, read_song, require_ffmpeg
from upsampling_artifacts.data.rates import check_resampling
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write

logger = logging.getLogger(__name__)

MAX_RESIDUAL_DB = 0.0
"""Largest residual of stems that are accepted. Above, their sum explains less of the
mixture than silence does. Data sets whose mixtures were mastered after the sum are below."""

NOTABLE_RESIDUAL_DB = -10.0
"""Residuals above are logged. The excerpt, whose stems were encoded one by one as all of
MUSDB18's MP4 files, is at -15.4 dB."""


def cache_song(
    song: str | Path,
    path: str | Path,
    sources: list[str],
    rate_hz: int,
    allow_silent: bool,
    setup: dict | None = None,
    hint: str = "or exclude the song",
) -> None:
    """Read one song through musdb, check it, and write it to the cache.

    Args:
        song: The song's folder of wav files, or its ``.stem.mp4`` file.
        path: File to write, ending in ``.npy``.
        sources: The stems to keep, in this order.
        rate_hz: The experiment's sampling rate.
        allow_silent: Whether to accept a silent stem.
        setup: The layout of the data set, from :func:`layout.read_setup`; None for MUSDB18's.
        hint: Ends the message about a faulty song: what to do if it cannot be repaired.

    Raises:
        InputError: As for :func:`musdb18.read_song`, with the hint; or the stems are not those of
            the mixture (:data:`MAX_RESIDUAL_DB`).
    """
    require_ffmpeg()
    try:
        recording = read_song(Path(song), sources, allow_silent, setup)
        _check_residual(recording, song)
    except InputError as error:
        raise InputError(f"{error}; {hint}") from error
    write_cache(recording, path, rate_hz)


def _check_residual(recording: Recording, song: str | Path) -> None:
    """Refuse stems of something else; those that do not quite add up are logged."""
    mixture, *stems = recording.audio
    residuals_db = recording.residual_db, residual_db(mixture, stems)
    least_db = min((db for db in residuals_db if not np.isnan(db)), default=float("-inf"))
    if least_db > MAX_RESIDUAL_DB:
        raise InputError(
            f"{song}: mixture minus stems is {least_db:+.1f} dB re the mixture, so these are not "
            "its stems, or not at its level or time; replace the faulty file"
        )
    if least_db > NOTABLE_RESIDUAL_DB:
        logger.info(
            f"{recording.name}: the stems do not add up to the mixture: the difference is "
            f"{least_db:.1f} dB re the mixture"
        )


def write_cache(recording: Recording, path: str | Path, rate_hz: int) -> None:
    """Resample a recording and write ``path`` (``.npy``) and a ``.json`` file beside it.

    The ``.json`` file also describes the mixture and each source: as recorded (level, samples at
    full scale) and as cached (clipped samples, silent seconds).

    Args:
        recording: All stems of one song.
        path: File to write, ending in ``.npy``.
        rate_hz: The experiment's sampling rate.
    """
    path = Path(path)
    pcm, clipped = quantize(resample_stems(recording.audio, recording.rate_hz, rate_hz))
    if any(clipped):
        logger.info(f"{recording.name}: {sum(clipped)} samples clipped at {rate_hz} Hz")
    stems: dict[str, dict[str, object]] = {
        stem: {
            "level_db": level_db(recording.audio[row]),
            "full_scale_samples": full_scale_samples(recording.audio[row]),
            "clipped_samples": clipped[row],
            "silent_seconds": silent_seconds(pcm[row], rate_hz),
        }
        for row, stem in enumerate(["mixture", *recording.sources])
    }
    for properties, origin in zip(stems.values(), recording.origins, strict=False):
        properties["seconds"] = origin.samples / recording.rate_hz
        properties["channels"] = AUDIO_CHANNELS
        properties["sha256"] = sha256(origin.files)
        properties["trimmed_samples"] = origin.trimmed_samples
    description: dict[str, Any] = {
        "song": recording.name,
        "rate_hz": rate_hz,
        "source_rate_hz": recording.rate_hz,
        "sources": list(recording.sources),
        # At least one step of 16 bits: songs are divided by it, and a mono sum can be silent.
        "scale": max(1, float(pcm[0].mean(axis=0, dtype=np.float64).std())) / FULL_SCALE,
        "residual_db": recording.residual_db,
        # Of the audio, not of the file: the same recording may have another header, or name.
        "mixture_sha256": hashlib.sha256(pcm[0].tobytes()).hexdigest(),
        "stems": stems,
    }
    description[CHECKSUM] = cache_checksum(description, pcm)
    with atomic_write(path) as unfinished:
        np.save(unfinished, pcm)
    with atomic_write(path.with_suffix(".json")) as unfinished:
        unfinished.write_text(json.dumps(description, indent=1))


def resample_stems(audio: np.ndarray, rate_hz: int, new_rate_hz: int) -> np.ndarray:
    """Resample audio, unless the rates are equal.

    Uses torchaudio's windowed sinc with a Kaiser window of 64 zero crossings, its "kaiser best"
    setting (passband up to 0.948 of the lower Nyquist frequency).

    Args:
        audio: ``(stems, channels, time)`` float32.
        rate_hz: Sampling rate of the audio.
        new_rate_hz: Sampling rate of the result.

    Returns:
        ``(stems, channels, time * new_rate_hz / rate_hz)``, rounded up, float32.
    """
    if new_rate_hz == rate_hz:
        return audio
    check_resampling("rate_hz", rate_hz, new_rate_hz)
    # Imported here: it takes two seconds, and many experiments do not resample.
    import torch
    from torchaudio.functional import resample

    return np.stack(  # one stem at a time: long songs need much memory
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


def quantize(audio: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Quantize audio to int16, without dither.

    Args:
        audio: ``(stems, channels, time)`` re full scale.

    Returns:
        ``(pcm, clipped)``: int16 in the shape of ``audio``, and the number of clipped samples of
        each stem.
    """
    pcm = np.empty(audio.shape, np.int16)
    clipped = []
    for row, stem in enumerate(audio):
        rounded = np.round(stem * FULL_SCALE)
        beyond = (rounded < -FULL_SCALE) | (rounded > FULL_SCALE - 1)
        clipped.append(int(np.count_nonzero(beyond)))
        pcm[row] = rounded.clip(-FULL_SCALE, FULL_SCALE - 1)
    return pcm, clipped
