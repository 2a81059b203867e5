"""Probe the variants, the systems that this pipeline trains, before and after training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import CachedSong, read_cache
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.probes.arithmetic import arithmetics, computing
from upsampling_artifacts.probes.measures_table import (
    PLAYBACK_DB_SPL,
    VARIANT_COLUMNS,
    label_measures,
)
from upsampling_artifacts.probes.model_probe import probe_model

LAST_STRIDE = 4
"""Stride of the last upsampling layer of the Demucs-like systems. For comparison, a system without
upsampling layers is measured at the same frequencies."""

EDGE_SECONDS = 0.5
"""In a signal that is processed in one piece, this much at either end is not measured: there, the
network has not settled."""

MEANINGLESS_IN_SILENCE = ("line_prominence", "found_line_prominence", "prominence_ratio")
"""A prominence compares a tone with its surroundings. In the answer to silence these are rounding
errors."""


class Probe(NamedTuple):
    """A test signal for variants.

    Attributes:
        name: Name of the signal.
        song: Name of the song, if the signal is music.
        signal: ``(channels, time)`` float32.
        in_one_piece: Whether the network processes it in one piece, or in overlapping chunks as in
            separation. Overlapping chunks make the answer to a constant periodic with their hop:
            a comb of lines that is not the network's.
    """

    name: str
    song: str
    signal: np.ndarray
    in_one_piece: bool


def probe_variant(
    system: dict,
    name: str,
    seed: int,
    model_path: str | None,
    songs: Sequence[str],
    segment_seconds: float,
    signal_seconds: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
    names: Collection[str] | None = None,
) -> None:
    """Probe a variant before or after training and write its measures and spectrograms.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        name: Name of the system in the table.
        seed: Seed of the initial weights.
        model_path: A trained model; None for the initial weights.
        songs: Cached songs whose mixtures are the music among the test signals.
        segment_seconds: Length of the chunks in which the model processes a signal.
        signal_seconds: Length of the test signals.
        csv_path: Where to write the measures (:data:`measures_table.VARIANT_COLUMNS`).
        arrays_path: Where to write the spectrograms (``.npz``), with the first song as music, in
            the arithmetic of separation.
        threads: CPU threads.
        names: The test signals to feed; None for all.
    """
    torch.set_num_threads(threads)
    cached = [read_cache(song) for song in songs]
    channels, rate_hz = cached[0].mixture.shape[0], cached[0].rate_hz
    if model_path:
        model, about = load_model(model_path)
    else:
        about = {"sources": cached[0].sources, "audio_channels": channels, "seed": seed}
        model = build_described({**system, **about}).eval()
    stage = "trained" if model_path else "initialization"
    chunk = round(segment_seconds * rate_hz)
    edge = round(EDGE_SECONDS * rate_hz)
    tables: list[pd.DataFrame] = []
    arrays: dict[str, Any] = {}
    for arithmetic in arithmetics(model, (channels, chunk), about):
        with low_memory(model), computing(model, arithmetic):
            for probe in _probes(cached, signal_seconds, names):
                result = probe_model(
                    model,
                    {probe.name: probe.signal},
                    rate_hz,
                    chunk=None if probe.in_one_piece else chunk,
                    fallback_strides=[LAST_STRIDE],
                    edge=edge if probe.in_one_piece else 0,
                    as_it_runs="fused" in arithmetic.implementations,
                    unit_rms_db_spl=PLAYBACK_DB_SPL,
                    chance=True,
                )
                table = label_measures(result.measures, name, seed, stage)
                tables.append(
                    table.assign(
                        song=probe.song,
                        arithmetic=arithmetic.name,
                        implementation=arithmetic.implementation,
                        precision=arithmetic.precision,
                    )
                )
                arrays = {**result.arrays, **arrays}
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
    table = pd.concat(tables)[VARIANT_COLUMNS]
    silence = (table["signal"] == "silence") & table["measure"].str.startswith(
        MEANINGLESS_IN_SILENCE
    )
    with atomic_write(csv_path) as unfinished:
        table[~silence].to_csv(unfinished, index=False, float_format="%.6g")


def _probes(songs: list[CachedSong], seconds: float, names: Collection[str] | None) -> list[Probe]:
    channels, rate_hz = songs[0].mixture.shape[0], songs[0].rate_hz
    settled = seconds + 2 * EDGE_SECONDS
    probes = [
        Probe("silence", "", signals.silence(settled, rate_hz, channels), True),
        Probe("near_silence", "", signals.near_silence(settled, rate_hz, channels), True),
        Probe("noise", "", signals.white_noise(seconds, rate_hz, channels), False),
        Probe("sweep", "", signals.sine_sweep(seconds, rate_hz, channels), False),
        *(Probe("music", song.name, signals.music(song, seconds), False) for song in songs),
    ]
    return [probe for probe in probes if names is None or probe.name in names]
