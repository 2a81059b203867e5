"""To listen to: the second in which a tone is most audible, in each test signal, of all variants.

The worst variant decides which second it is, so that all are heard at the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.artifacts.lines import measure_line
from upsampling_artifacts.artifacts.seconds import cut_second, margins_by_second, second_starts
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.measures_table import PLAYBACK_DB_SPL
from upsampling_artifacts.probes.variants import Probe, run_probe, variant_probes

COLUMNS = [
    "signal", "song", "source", "channel", "start_seconds", "system", "level_db",
    "audibility_margin_db",
]  # fmt: skip


class Moment(NamedTuple):
    """One second of one channel of a network's output.

    Attributes:
        row: Index of the channel among those of all sources.
        start: First sample.
        margin_db: Largest margin of the tone over its threshold, over all variants.
    """

    row: int
    start: int
    margin_db: float


def loudest_moment(
    outputs: Sequence[np.ndarray], input: np.ndarray, rate_hz: int, tone_hz: float
) -> Moment:
    """Find the second and the channel in which the tone of any variant is most audible.

    Seconds in which the input itself has an audible line at that frequency are left out.

    Args:
        outputs: ``(channels, time)``, the outputs of several variants for one input.
        input: ``(channels, time)``.
        rate_hz: Sampling rate.
        tone_hz: Frequency of the tone.

    Returns:
        The moment; the first second of the first channel if there is no other.

    Example:
        >>> silence = np.zeros((2, 16000))
        >>> tone = silence.copy()
        >>> tone[1, 8000:] = 0.01 * np.tile([1.0, 1.0, -1.0, -1.0], 2000)
        >>> loudest_moment([silence, tone], silence, 8000, tone_hz=2000)[:2]
        (1, 8000)
    """
    own_db = margins_by_second(input, rate_hz, tone_hz, PLAYBACK_DB_SPL).max(axis=0)
    margins_db = np.array(
        [margins_by_second(output, rate_hz, tone_hz, PLAYBACK_DB_SPL) for output in outputs]
    )
    margins_db[..., own_db > 0] = -np.inf
    _, row, second = np.unravel_index(margins_db.argmax(), margins_db.shape)
    start = second_starts(input.shape[-1], rate_hz)[second]
    return Moment(int(row), int(start), float(margins_db.max()))


def write_tone_seconds(
    models: Mapping[str, str],
    songs: Sequence[str],
    excerpts: Sequence[str],
    sounds: str | Path,
    segment_seconds: Mapping[str, float],
    signal_seconds: float,
    tone_hz: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Write the loudest second of each test signal: its tones as a table, audio and spectrograms.

    Of several songs, the one with the most audible tone is taken.

    Args:
        models: Trained model files by system.
        songs: As for :func:`variants.probe_variant`.
        excerpts: As for :func:`variants.probe_variant`.
        sounds: As for :func:`variants.probe_variant`.
        segment_seconds: For each system, as for :func:`variants.probe_variant`.
        signal_seconds: As for :func:`variants.probe_variant`.
        tone_hz: Frequency of the tone.
        csv_path: Where to write the table, with the columns ``COLUMNS``: one row per signal and
            system. Levels are in dB re the RMS of a normalized mixture.
        arrays_path: Where to write (``.npz``) ``rate_hz``, ``frequencies_hz``, ``audio`` ``(signal,
            system, time)``, re the RMS of a normalized mixture, without its DC offset, and its
            spectrograms ``level_db`` ``(signal, system, frequency, time)``, as
            :func:`spectra.spectrogram_db`. Signals and systems are in the order of the table.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    cached = [read_cache(song) for song in songs]
    sources, rate_hz = cached[0].sources, cached[0].rate_hz
    probes = variant_probes(cached, [read_cache(song) for song in excerpts], sounds, signal_seconds)
    outputs = [
        _outputs(path, probes, round(segment_seconds[system] * rate_hz))
        for system, path in models.items()
    ]
    loudest: dict[str, tuple[Probe, Moment, list[np.ndarray]]] = {}
    for probe, *of_probe in zip(probes, *outputs, strict=True):
        moment = loudest_moment(of_probe, probe.signal[:, probe.measured], rate_hz, tone_hz)
        if probe.name not in loudest or moment.margin_db > loudest[probe.name][1].margin_db:
            loudest[probe.name] = probe, moment, of_probe
    rows = []
    audio = []
    for probe, moment, of_probe in loudest.values():
        source, channel = divmod(moment.row, len(probe.signal))
        place = probe.name, probe.song, sources[source], channel, moment.start / rate_hz
        for system, output in zip(models, of_probe, strict=True):
            second = cut_second(output[[moment.row]], rate_hz, moment.start)
            level_db = measure_line(second, rate_hz, tone_hz).level_db
            margin_db = margins_by_second(second, rate_hz, tone_hz, PLAYBACK_DB_SPL).item()
            rows.append((*place, system, level_db, margin_db))
            audio.append(second - second.mean())
    spectrograms = [spectrogram_db(second, rate_hz) for second in audio]
    levels_db = np.array([level_db for _, _, level_db in spectrograms], np.float16)
    by_signal = len(loudest), len(models)
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(
            unfinished,
            rate_hz=rate_hz,
            frequencies_hz=spectrograms[0][0],
            audio=np.reshape(audio, (*by_signal, -1)),
            level_db=levels_db.reshape(*by_signal, *levels_db.shape[1:]),
        )
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.3f")


def _outputs(path: str, probes: Sequence[Probe], chunk: int) -> list[np.ndarray]:
    """What a model answers to each test signal, ``(sources * channels, time)``."""
    model, _ = load_model(path)
    with low_memory(model):
        return [run_probe(model, probe, chunk) for probe in probes]
