"""Decoding songs once, at the experiment's rate (:mod:`cached_song` says what is written)."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch
from torchaudio.functional import resample

from upsampling_artifacts.data.cached_song import FULL_SCALE
from upsampling_artifacts.data.musdb18 import Recording, read_song
from upsampling_artifacts.files import written_whole

logger = logging.getLogger(__name__)


def cache_song(
    song: str | Path, path: str | Path, sources: list[str], rate_hz: int, allow_silent: bool
) -> None:
    """Read one song through musdb and write it to the cache.

    Args:
        song: Its folder of wav files, or its ``.stem.mp4``.
        path: Where to, ending in ``.npy``.
        sources: The stems to keep, in this order.
        rate_hz: The experiment's rate.
        allow_silent: Whether a stem without any sound is acceptable.

    Raises:
        InputError: As :func:`read_song`.
    """
    write_cache(read_song(Path(song), sources, allow_silent), path, rate_hz)


def write_cache(recording: Recording, path: str | Path, rate_hz: int) -> None:
    """Resample a recording and write ``path`` (``.npy``) and its ``.json``.

    Resampling is torchaudio's windowed sinc with a Kaiser window of 64 zero crossings, its
    "kaiser best" (passband to 0.948 of the lower Nyquist frequency).

    Args:
        recording: All stems of one song.
        path: Where to, ending in ``.npy``.
        rate_hz: The experiment's rate.
    """
    path = Path(path)
    audio = torch.from_numpy(recording.audio)
    if rate_hz != recording.rate_hz:
        audio = resample(
            audio,
            recording.rate_hz,
            rate_hz,
            lowpass_filter_width=64,
            rolloff=0.9475937167399596,
            resampling_method="sinc_interp_kaiser",
            beta=14.769656459379492,
        )
    pcm = (audio * FULL_SCALE).round()
    clipped = int(((pcm < -FULL_SCALE) | (pcm > FULL_SCALE - 1)).sum())
    if clipped:
        logger.info(f"{recording.name}: {clipped} samples clipped at {rate_hz} Hz")
    pcm = pcm.clamp(-FULL_SCALE, FULL_SCALE - 1).to(torch.int16).numpy()
    about = {
        "song": recording.name,
        "rate_hz": rate_hz,
        "source_rate_hz": recording.rate_hz,
        "sources": list(recording.sources),
        # At least one bit: a mixture without sound in the middle is divided by this too.
        "scale": max(1, float(pcm[0].mean(axis=0, dtype=np.float64).std())) / FULL_SCALE,
        "clipped_samples": clipped,
    }
    with written_whole(path) as unfinished:
        np.save(unfinished, pcm)
    with written_whole(path.with_suffix(".json")) as unfinished:
        unfinished.write_text(json.dumps(about, indent=1))
