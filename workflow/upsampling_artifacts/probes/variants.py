"""Probe the variants, the systems that this pipeline trains, before and after training.

A variant answers with several sources, of which a listener hears one at a time. So its tones are
measured source by source, and those of a trained variant are compared with control frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.filtering import treble_level_db
from upsampling_artifacts.artifacts.measures import measure_sources
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import CachedSong, read_cache
from upsampling_artifacts.data.sound_set import YOURS, out_of_distribution, read_table
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.probes.arithmetic import arithmetics, computing
from upsampling_artifacts.probes.layer_tracer import find_layers, tone_strides
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    PLAYBACK_DB_SPL,
    SEPARATION,
    VARIANT_COLUMNS,
)
from upsampling_artifacts.probes.model_probe import INPUT, OUTPUT, probe_model, run

LAST_STRIDE = 4
"""Stride of the last upsampling layer of the Demucs-like systems. For comparison, a system without
upsampling layers is measured at the same frequencies."""

LOUD = ("music", "noise")
"""Signals with treble that a network should keep."""

EDGE_SECONDS = 0.5
"""In a signal that is processed in one piece, this much at either end is not measured: there, the
network has not settled."""

QUIET_SECONDS = 2.0
"""Length of the quiet passages of songs: long enough to be measured, and few pauses are longer."""

MEANINGLESS_IN_SILENCE = ("line_prominence", "found_line_prominence")
"""A prominence compares a tone with its surroundings. In the answer to silence these are rounding
errors."""

SOUNDS = {"sweep": "logarithmic_sweep", "impulses": "impulses", "speech": "speech"}
"""Test signals that are out-of-distribution sounds: names of the signals and of the sounds."""


class Probe(NamedTuple):
    """A test signal for variants.

    Attributes:
        name: Name of the signal.
        song: Name of the song, if the signal is music.
        signal: ``(channels, time)`` float32.
        in_one_piece: Whether the network processes it in one piece, or in overlapping chunks as in
            separation. Overlapping chunks make the answer to a constant periodic with their hop:
            a comb of lines that is not the network's.
        edge: Samples at either end that are not measured.
        after_training: Whether only trained variants are probed with it, and only for the tones of
            their sources.
    """

    name: str
    song: str
    signal: np.ndarray
    in_one_piece: bool = False
    edge: int = 0
    after_training: bool = False

    @property
    def measured(self) -> slice:
        """The samples that are measured."""
        return slice(self.edge, -self.edge or None)


def probe_variant(
    system: dict,
    name: str,
    seed: int,
    model_path: str | None,
    songs: Sequence[str],
    excerpts: Sequence[str],
    sounds: str | Path,
    segment_seconds: float,
    signal_seconds: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Probe a variant before or after training and write its measures and spectrograms.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        name: Name of the system in the table.
        seed: Seed of the initial weights.
        model_path: A trained model; None for the initial weights.
        songs: Cached songs whose mixtures are the music among the test signals.
        excerpts: Cached real songs.
        sounds: Folder of the out-of-distribution sounds.
        segment_seconds: Length of the chunks in which the model processes a signal.
        signal_seconds: Length of the test signals.
        csv_path: Where to write the measures (:data:`measures_table.VARIANT_COLUMNS`).
        arrays_path: Where to write the spectrograms (``.npz``), with the first song as music, in
            the arithmetic of separation.
        threads: CPU threads.
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
    music = [read_cache(song) for song in excerpts]
    probes = variant_probes(cached, music, sounds, signal_seconds)
    with torch.inference_mode():
        layers = find_layers(model, torch.zeros(1, channels, chunk))
    strides = tone_strides(layers) or [LAST_STRIDE]
    tables: list[pd.DataFrame] = []
    arrays: dict[str, Any] = {}
    for arithmetic in arithmetics(model, (channels, chunk), about):
        in_full = model_path is not None and arithmetic.name == SEPARATION
        with low_memory(model), computing(model, arithmetic):
            for probe in probes:
                if probe.after_training and not in_full:
                    continue
                rows: list[pd.DataFrame] = []
                if probe.after_training:
                    output = run_probe(model, probe, chunk)
                else:
                    result = probe_model(
                        model,
                        {probe.name: probe.signal},
                        rate_hz,
                        chunk=None if probe.in_one_piece else chunk,
                        fallback_strides=[LAST_STRIDE],
                        edge=probe.edge,
                        as_it_runs="fused" in arithmetic.implementations,
                        unit_rms_db_spl=PLAYBACK_DB_SPL,
                        prominence_ratio=False,
                    )
                    rows.append(result.measures)
                    output = result.outputs[probe.name]
                    if probe.name in LOUD:
                        rows.append(measure_treble(probe, output, len(about["sources"]), rate_hz))
                    arrays = {**result.arrays, **arrays}
                rows.append(
                    source_tones(probe, output, about["sources"], rate_hz, strides, in_full)
                )
                tables.append(
                    pd.concat(rows).assign(
                        song=probe.song,
                        arithmetic=arithmetic.name,
                        implementation=arithmetic.implementation,
                        precision=arithmetic.precision,
                        step=about.get("step", 0),
                    )
                )
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
    table = pd.concat(tables).assign(model=name, seed=seed, stage=stage)[VARIANT_COLUMNS]
    silence = (table["signal"] == "silence") & table["measure"].str.startswith(
        MEANINGLESS_IN_SILENCE
    )
    with atomic_write(csv_path) as unfinished:
        table[~silence].to_csv(unfinished, index=False, float_format="%.6g")


def run_probe(model: nn.Module, probe: Probe, chunk: int) -> np.ndarray:
    """Feed a test signal to a variant, as it runs.

    Args:
        model: The variant, in evaluation mode.
        probe: The test signal.
        chunk: Length in samples of the chunks of a signal that is not processed in one piece.

    Returns:
        What is measured of the output, ``(sources * channels, time)``.
    """
    output = run(model, probe.signal[None], None if probe.in_one_piece else chunk)[0]
    return output[:, probe.measured]


def source_tones(
    probe: Probe,
    output: np.ndarray,
    sources: Sequence[str],
    rate_hz: int,
    strides: list[int],
    chance: bool,
) -> pd.DataFrame:
    """Measure the tones of the last layers in each source.

    Args:
        probe: The test signal.
        output: From :func:`run_probe`.
        sources: Names of the sources.
        rate_hz: Sampling rate.
        strides: Products of the strides of the last layers.
        chance: Whether to compare with control frequencies, in the sources and in the input.

    Returns:
        The columns ``COLUMNS`` and ``source``.
    """
    by_source = dict(zip(sources, np.split(output, len(sources)), strict=True))
    measured = measure_sources(by_source, rate_hz, strides, PLAYBACK_DB_SPL, chance)
    table = [
        (probe.name, OUTPUT, *row, source) for source, rows in measured.items() for row in rows
    ]
    if chance:
        input = {INPUT: probe.signal[:, probe.measured]}
        rows = measure_sources(input, rate_hz, strides, PLAYBACK_DB_SPL)[""]
        table += [(probe.name, INPUT, *row, "") for row in rows]
    return pd.DataFrame(table, columns=[*COLUMNS, "source"])


def measure_treble(probe: Probe, output: np.ndarray, n_sources: int, rate_hz: int) -> pd.DataFrame:
    """Measure how much of a test signal's treble all sources together keep.

    The treble lies above half the rate at which the last layer of the Demucs-like systems receives
    its input. Only spectral images, the weights after interpolation and skip connections can put
    something there: an ideal interpolation would leave nothing.

    Args:
        probe: The test signal.
        output: From :func:`run_probe`.
        n_sources: Number of sources.
        rate_hz: Sampling rate.

    Returns:
        One row, with the columns ``COLUMNS`` and ``source``; the frequency is where the treble
        begins.
    """
    from_hz = rate_hz / LAST_STRIDE / 2
    mixture = output.reshape(n_sources, -1, output.shape[-1]).sum(axis=0)
    level_db = treble_level_db(mixture, probe.signal[:, probe.measured], rate_hz, from_hz)
    row = (probe.name, OUTPUT, "treble_level", from_hz, level_db, "dB", "")
    return pd.DataFrame([row], columns=[*COLUMNS, "source"])


def quiet_and_noise(seconds: float, rate_hz: int, channels: int) -> list[Probe]:
    """Silence and near-silence, in one piece, and white noise, in chunks.

    Args:
        seconds: Length of what is measured.
        rate_hz: Sampling rate.
        channels: Number of channels.
    """
    settled = seconds + 2 * EDGE_SECONDS
    edge = round(EDGE_SECONDS * rate_hz)
    return [
        Probe("silence", "", signals.silence(settled, rate_hz, channels), True, edge),
        Probe("near_silence", "", signals.near_silence(settled, rate_hz, channels), True, edge),
        Probe("noise", "", signals.white_noise(seconds, rate_hz, channels)),
    ]


def variant_probes(
    songs: list[CachedSong], excerpts: list[CachedSong], folder: str | Path, seconds: float
) -> list[Probe]:
    """Make the test signals for variants.

    Args:
        songs: Songs whose mixtures are the music.
        excerpts: Real songs.
        folder: Folder of the out-of-distribution sounds.
        seconds: Length of what is measured of a generated signal.
    """
    channels, rate_hz = songs[0].mixture.shape[0], songs[0].rate_hz
    edge = round(EDGE_SECONDS * rate_hz)
    sounds, table = out_of_distribution(folder), read_table(folder)
    yours = table["name"][table["kind"] == YOURS]
    names = {signal: sound for signal, sound in SOUNDS.items() if sound in sounds}
    names |= {sound: sound for sound in yours}
    return [
        *quiet_and_noise(seconds, rate_hz, channels),
        *(
            Probe(signal, "", sounds[sound], after_training=signal != "sweep")
            for signal, sound in names.items()
        ),
        *(Probe("music", song.name, signals.music(song, seconds)) for song in songs),
        *(
            Probe("quiet", song.name, signals.quiet_passage(song, QUIET_SECONDS, EDGE_SECONDS),
                  edge=edge, after_training=True)
            for song in songs
        ),
        *(
            Probe("excerpt", song.name, signals.music(song, seconds), after_training=True)
            for song in excerpts
        ),
    ]  # fmt: skip
