"""To listen to: the second in which a tone is most audible, in each test signal, of all variants.

The worst variant decides which second it is, so that all are heard at the same moment. Only
variants with upsampling layers that can make the tone decide: a mask, for example, may leave of a
song just the partial that lies there. Of silence and near-silence, the same second before training
is kept, too: there, what training does to a tone is heard best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.lines import measure_line
from upsampling_artifacts.artifacts.masking import masking_margin_db
from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.artifacts.seconds import (
    cut_second,
    margins_by_second,
    second_starts,
    tone_margin_db,
)
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model, read_about
from upsampling_artifacts.probes.arithmetic import arithmetics, computing
from upsampling_artifacts.probes.layer_tracer import find_layers, tone_strides
from upsampling_artifacts.probes.measures_table import PLAYBACK_DB_SPL
from upsampling_artifacts.probes.variants import Probe, run_probe, variant_probes

COLUMNS = [
    "signal", "song", "source", "channel", "start_seconds", "stage", "system", "level_db",
    "audibility_margin_db", "tone_margin_db",
]  # fmt: skip

BEFORE_TRAINING = ("silence", "near_silence")
"""The test signals of which the second before training is kept, too."""


LoadModel = Callable[[str], tuple[nn.Module, dict]]


class Output(NamedTuple):
    """What a variant answers to a test signal.

    Attributes:
        signal: ``(sources * channels, time)``.
        strides: Products of the strides of its last upsampling layers; empty without such layers.
    """

    signal: np.ndarray
    strides: Sequence[int]


class Moment(NamedTuple):
    """One second of one channel of a network's output.

    Attributes:
        row: Index of the channel among those of all sources.
        start: First sample.
        tone_margin_db: :func:`seconds.tone_margin_db` of the worst variant.
    """

    row: int
    start: int
    tone_margin_db: float


def loudest_moment(
    outputs: Sequence[Output], input: np.ndarray, rate_hz: int, tone_hz: float
) -> Moment:
    """Find the second and the channel in which the tone of any variant is most audible.

    Seconds in which the input itself has an audible line at that frequency are left out, and, if
    there are others, those in which the tone is not more than chance.

    Args:
        outputs: Of variants whose layers can make the tone, for one input.
        input: ``(channels, time)``.
        rate_hz: Sampling rate.
        tone_hz: Frequency of the tone.

    Returns:
        The moment; the first second of the first channel if there is no other.

    Example:
        >>> silence = np.zeros((2, 16000))
        >>> tone = silence.copy()
        >>> tone[1, 8000:] = 0.01 * np.tile([1.0, 1.0, -1.0, -1.0], 2000)
        >>> outputs = [Output(silence, [4]), Output(tone, [4])]
        >>> loudest_moment(outputs, silence, 8000, tone_hz=2000)[:2]
        (1, 8000)
    """
    own_db = margins_by_second(input, rate_hz, tone_hz, PLAYBACK_DB_SPL).max(axis=0)
    margins_db = np.array(
        [margins_by_second(output.signal, rate_hz, tone_hz, PLAYBACK_DB_SPL) for output in outputs]
    )
    margins_db[..., own_db > 0] = -np.inf
    moments = []
    for index in np.argsort(-margins_db, axis=None, kind="stable"):
        variant, row, second = np.unravel_index(index, margins_db.shape)
        start = int(second_starts(input.shape[-1], rate_hz)[second])
        output = outputs[variant]
        heard = cut_second(output.signal[[row]], rate_hz, start)
        tone_db = tone_margin_db(heard, rate_hz, tone_hz, PLAYBACK_DB_SPL, output.strides)
        moments.append(Moment(int(row), start, tone_db))
        if tone_db > 0 or margins_db.flat[index] <= 0:
            break
    return moments[-1] if moments[-1].tone_margin_db > 0 else moments[0]


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

    The trained variants decide which second it is. Of several songs, the one with the most audible
    tone is taken.

    Args:
        models: Trained model files by system.
        songs: As for :func:`variants.probe_variant`.
        excerpts: As for :func:`variants.probe_variant`.
        sounds: As for :func:`variants.probe_variant`.
        segment_seconds: For each system, as for :func:`variants.probe_variant`.
        signal_seconds: As for :func:`variants.probe_variant`.
        tone_hz: Frequency of the tone.
        csv_path: Where to write the table, with the columns ``COLUMNS``: one row per signal, stage
            (``trained``; for ``BEFORE_TRAINING`` also ``initialization``) and system. Levels are in
            dB re the RMS of a normalized mixture.
        arrays_path: Where to write (``.npz``) ``rate_hz``, ``frequencies_hz`` and, for each row of
            the table, ``audio`` ``(row, time)``, re the RMS of a normalized mixture, without its DC
            offset, and its spectrogram ``level_db`` ``(row, frequency, time)``, as
            :func:`spectra.spectrogram_db`.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    cached = [read_cache(song) for song in songs]
    sources, rate_hz = cached[0].sources, cached[0].rate_hz
    probes = variant_probes(cached, [read_cache(song) for song in excerpts], sounds, signal_seconds)
    quiet = [probe for probe in probes if probe.name in BEFORE_TRAINING]

    def answers(load: LoadModel, probes: Sequence[Probe]) -> list[dict[str, Output]]:
        """What each variant answers to each test signal."""
        by_variant = [
            _outputs(*load(path), probes, round(segment_seconds[system] * rate_hz))
            for system, path in models.items()
        ]
        return [
            dict(zip(models, outputs, strict=True)) for outputs in zip(*by_variant, strict=True)
        ]

    before = dict(zip(BEFORE_TRAINING, answers(_initial_model, quiet), strict=True))
    loudest: dict[str, tuple[Probe, Moment, dict[str, Output]]] = {}
    for probe, outputs in zip(probes, answers(load_model, probes), strict=True):
        moment = _moment(list(outputs.values()), probe, rate_hz, tone_hz)
        if probe.name not in loudest or moment.tone_margin_db > loudest[probe.name][1][2]:
            loudest[probe.name] = probe, moment, outputs
    rows, audio = [], []
    for probe, moment, trained in loudest.values():
        source, channel = divmod(moment.row, len(probe.signal))
        place = probe.name, probe.song, sources[source], channel, moment.start / rate_hz
        stages = {"initialization": before.get(probe.name, {}), "trained": trained}
        for stage, outputs in stages.items():
            for system, output in outputs.items():
                second = cut_second(output.signal[[moment.row]], rate_hz, moment.start)
                tone = _measure(second, rate_hz, tone_hz, output.strides)
                rows.append((*place, stage, system, *tone))
                audio.append(second[0] - second.mean())
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.3f")
    spectrograms = [spectrogram_db(second[None], rate_hz) for second in audio]
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(
            unfinished,
            rate_hz=rate_hz,
            frequencies_hz=spectrograms[0][0],
            audio=np.array(audio),
            level_db=np.array([level_db for _, _, level_db in spectrograms], np.float16),
        )


def _initial_model(path: str) -> tuple[nn.Module, dict]:
    """As :func:`saved.load_model`, but with the weights before training."""
    about = read_about(path)
    return build_described(about).eval(), about


def _outputs(model: nn.Module, about: dict, probes: Sequence[Probe], chunk: int) -> list[Output]:
    """What a model answers to each test signal, in the arithmetic of separation."""
    shape = about["audio_channels"], chunk
    separation = arithmetics(model, shape, about)[0]
    with low_memory(model), computing(model, separation), torch.inference_mode():
        strides = tone_strides(find_layers(model, torch.zeros(1, *shape)))
        return [Output(run_probe(model, probe, chunk), strides) for probe in probes]


def _moment(outputs: Sequence[Output], probe: Probe, rate_hz: int, tone_hz: float) -> Moment:
    """The loudest moment of the variants that can make the tone; if none can, of all."""
    can_make_it = [
        output
        for output in outputs
        if np.isclose(predicted_tones(rate_hz, list(output.strides)), tone_hz).any()
    ]
    input = probe.signal[:, probe.measured]
    return loudest_moment(can_make_it or outputs, input, rate_hz, tone_hz)


def _measure(
    second: np.ndarray, rate_hz: int, tone_hz: float, strides: Sequence[int]
) -> tuple[float, float, float]:
    """Level and margins of the tone: the last three of ``COLUMNS``."""
    level_db = measure_line(second, rate_hz, tone_hz).level_db
    margin_db = masking_margin_db(second, rate_hz, tone_hz, PLAYBACK_DB_SPL)
    return level_db, margin_db, tone_margin_db(second, rate_hz, tone_hz, PLAYBACK_DB_SPL, strides)
