"""Anyone's model, or a sound that it made: one call measures its upsampling artifacts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torchaudio.functional import resample

from upsampling_artifacts.artifacts import signals, summaries
from upsampling_artifacts.artifacts.any_model import (
    AXES,
    CheckedModel,
    evaluating,
    load_model,
    output_ratio,
    target_name,
)
from upsampling_artifacts.artifacts.audio_file import (
    MOST_SECONDS,
    explain_lines,
    middle,
    read_audio,
)
from upsampling_artifacts.artifacts.layers import tone_strides
from upsampling_artifacts.artifacts.lines import predicted_frequencies
from upsampling_artifacts.artifacts.probing import Probe, probe_model
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.probe import probe_spectrograms
from upsampling_artifacts.files import written_whole

logger = logging.getLogger(__name__)

SHORTEST_SECONDS = 1.5
IMAGES = ("spectrograms.png", "spectrograms.svg")


@dataclass(frozen=True, repr=False)
class ModelProbe:
    """What was found in a model. Printed, it is a summary for reading.

    Attributes:
        name: The model's.
        rate_hz: Of its output.
        measures: Columns model, seed, stage, signal, layer, measure, frequency_hz, value, unit.
        layers: The layers that change the rate, in the order they run: columns model, name,
            kind, direction, stride.
        tones_hz: Where tones must be.
        arrays: Spectrograms of the first seed, as :func:`probing.probe_model` gives them.
    """

    name: str
    rate_hz: float
    measures: pd.DataFrame
    layers: pd.DataFrame
    tones_hz: np.ndarray
    arrays: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return summaries.of_model(
            self.name, self.rate_hz, self.layers, self.tones_hz, self.measures
        )


@dataclass(frozen=True, repr=False)
class FileProbe:
    """What was found in an audio file. Printed, it is a summary for reading.

    Attributes:
        name: The file's path.
        rate_hz: Of the file.
        channels: How many.
        seconds: How long it is.
        lines: Its stationary narrow lines: the columns of :func:`audio_file.explain_lines`.
        arrays: ``frequencies_hz``, ``times_seconds``, ``file_db``.
    """

    name: str
    rate_hz: float
    channels: int
    seconds: float
    lines: pd.DataFrame
    arrays: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return summaries.of_file(self.name, self.rate_hz, self.channels, self.seconds, self.lines)


def probe(
    target: nn.Module | str | Path,
    *,
    rate_hz: float | None = None,
    channels: int | None = None,
    input_kind: str = "audio",
    options: dict | None = None,
    seeds: Sequence[int] = (0,),
    stage: str = "initialization",
    seconds: float = 6.0,
    music: str | Path | None = None,
    out: str | Path | None = None,
) -> ModelProbe | FileProbe:
    """Measure the upsampling artifacts of a model, or list the lines in a sound.

    A model finds its layers by running; where its tones must be follows from their strides. It
    is fed silence, ones, white noise, a sine sweep and, if given, music, or the first three as
    features.

    Args:
        target: A module; or ``"package.module:factory"``, called with ``options``; or the path
            of an audio file.
        rate_hz: Sampling rate of the model's output. For a file: the rate at which the model
            that made it works, if that is not the file's own.
        channels: Of the model's input: audio channels (1 unless told), or bins of features.
        input_kind: ``"audio"``, a model ``(batch, channels, time)`` to ``(batch, ..., time)``, or
            ``"features"``, ``(batch, bins, frames)`` to audio, as vocoders are.
        options: Keyword arguments of the factory.
        seeds: Each seeds the initial weights of one model. A module has one set of weights.
        stage: ``"initialization"`` or ``"trained"``: what the table is to say of the weights.
        seconds: Length of the output.
        music: An audio file, one more signal for a model of audio.
        out: A folder for the tables (``measures.csv`` and ``layers.csv``, or ``lines.csv``) and
            the figure (``spectrograms.png``, ``.svg``).

    Raises:
        InputError: In one line, what is wrong with the target or another argument.
    """
    if isinstance(target, nn.Module) or _is_address(target):
        _check(target, rate_hz, channels, input_kind, options, seeds, seconds, music)
        shape = (rate_hz, channels or 1, input_kind, seconds)
        found = _probe_model(target, shape, options or {}, seeds, stage, music)
    else:
        found = _probe_file(Path(target), rate_hz)
    if out is not None:
        _write(found, Path(out))
    return found


def _is_address(target: object) -> bool:
    if not isinstance(target, str | Path):
        raise InputError(
            f"target: a {type(target).__name__}; a torch.nn.Module, 'package.module:factory' or "
            "the path of an audio file is needed"
        )
    return isinstance(target, str) and ":" in target and not Path(target).exists()


def _check(target, rate_hz, channels, input_kind, options, seeds, seconds, music) -> None:
    """Arguments that are wrong whatever the model."""
    if rate_hz is None or not rate_hz > 0:
        raise InputError(
            f"rate_hz: is {rate_hz}; the sampling rate of the model's output is needed"
        )
    if input_kind not in AXES:
        raise InputError(f"input_kind: unknown '{input_kind}'; known: {', '.join(AXES)}")
    if channels is None and input_kind == "features":
        raise InputError("channels: the number of bins of the features is needed")
    if channels is not None and channels < 1:
        raise InputError(f"channels: is {channels}; 1 or more are needed")
    if music is not None and input_kind == "features":
        raise InputError("music: is audio, and the model's input is features; leave it out")
    if isinstance(target, nn.Module) and options:
        raise InputError("options: are for a factory; the model is already built")
    if not seeds:
        raise InputError("seeds: at least one is needed")
    if isinstance(target, nn.Module) and len(seeds) > 1:
        raise InputError(
            "seeds: a model that is already built has one set of weights; "
            "give 'package.module:factory', or one seed"
        )
    if seconds < SHORTEST_SECONDS:
        raise InputError(f"seconds: is {seconds:g}; {SHORTEST_SECONDS:g} or more are needed")


def _probe_model(
    target: nn.Module | str,
    shape: tuple[float, int, str, float],
    options: dict,
    seeds: Sequence[int],
    stage: str,
    music: str | Path | None,
) -> ModelProbe:
    rate_hz, _, input_kind, _ = shape
    name = target_name(target)
    probes: list[Probe] = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            model = CheckedModel(load_model(target, options, seed), name, input_kind)
            torch.manual_seed(seed)  # some models draw random numbers when they run
            with evaluating(model):
                test_signals = _signals(model, shape, music)
                probes.append(probe_model(model, test_signals, rate_hz))
            logger.info(f"{name}: seed {seed} probed")
    tables = [
        probed.measures.assign(model=name, seed=seed, stage=stage)
        for seed, probed in zip(seeds, probes, strict=True)
    ]
    measures = pd.concat(tables, ignore_index=True)
    first = ["model", "seed", "stage"]
    measures = measures[first + [column for column in measures if column not in first]]
    found = [
        (name, layer.name, layer.kind, layer.direction, layer.stride) for layer in probes[0].layers
    ]
    layers = pd.DataFrame(found, columns=["model", "name", "kind", "direction", "stride"])
    strides = tone_strides(probes[0].layers)
    tones = [predicted_frequencies(rate_hz, stride) for stride in strides]
    tones_hz = np.unique(np.concatenate([*tones, []]))
    return ModelProbe(name, rate_hz, measures, layers, tones_hz, probes[0].arrays)


def _signals(
    model: CheckedModel, shape: tuple[float, int, str, float], music: str | Path | None
) -> dict[str, np.ndarray]:
    """The model's test signals, so long that what comes out lasts ``seconds``."""
    rate_hz, channels, input_kind, seconds = shape
    ratio = output_ratio(model, channels)
    input_rate_hz = rate_hz / ratio
    if input_kind == "features":
        logger.info(f"{model.name}: {ratio:g} samples for each frame")
        frames = round(seconds * input_rate_hz)
        noise = np.random.default_rng(0).standard_normal((channels, frames), np.float32)
        return {"silence": np.zeros_like(noise), "ones": np.ones_like(noise), "noise": noise}
    if ratio != 1:
        logger.info(f"{model.name}: {ratio:g} samples out for each sample in")
    sound = None if music is None else _music(music, input_rate_hz, channels, seconds)
    return signals.test_signals(seconds, input_rate_hz, channels, sound)


def _music(path: str | Path, rate_hz: float, channels: int, seconds: float) -> np.ndarray:
    """The middle of a file, of standard deviation 1, at the model's rate and channel count."""
    signal, file_rate_hz = read_audio(path)
    signal = middle(signal, round(seconds * file_rate_hz))
    if len(signal) != channels:
        signal = np.repeat(signal.mean(axis=0, keepdims=True), channels, axis=0)
        logger.info(f"{path}: mixed to one channel, the same for all {channels} of the input")
    if not signal.any():
        raise InputError(f"{path}: is silent in its middle {seconds:g} s; choose other music")
    sound = resample(torch.from_numpy(signal), file_rate_hz, round(rate_hz)).numpy()
    return sound / sound.std()


def _probe_file(path: Path, model_rate_hz: float | None) -> FileProbe:
    signal, rate_hz = read_audio(path)
    if model_rate_hz is not None and not model_rate_hz > 0:
        raise InputError(f"rate_hz: is {model_rate_hz}; a positive rate, or none, is needed")
    seconds = signal.shape[-1] / rate_hz
    if seconds > MOST_SECONDS:
        logger.info(f"{path}: the middle {MOST_SECONDS:g} of {seconds:.0f} s are looked at")
        signal = middle(signal, round(MOST_SECONDS * rate_hz))
    lines = explain_lines(signal, rate_hz, model_rate_hz or rate_hz)
    frequencies_hz, times_seconds, level_db = spectrogram_db(signal, rate_hz)
    arrays = {
        "frequencies_hz": frequencies_hz,
        "times_seconds": times_seconds,
        "file_db": level_db.astype(np.float16),
    }
    return FileProbe(str(path), rate_hz, len(signal), seconds, lines, arrays)


def _write(found: ModelProbe | FileProbe, out: Path) -> None:
    """Tables and figure into a folder."""
    tables = (
        {"lines": found.lines}
        if isinstance(found, FileProbe)
        else {"measures": found.measures, "layers": found.layers}
    )
    for name, table in tables.items():
        with written_whole(out / f"{name}.csv") as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6g")
    panels = {
        key.removesuffix("_db"): (
            found.arrays["frequencies_hz"],
            found.arrays["times_seconds"],
            levels.astype(np.float32),
        )
        for key, levels in found.arrays.items()
        if key.endswith("_db")
    }
    if isinstance(found, FileProbe):
        fits = found.lines["stride"].notna()
        tones_hz = list(found.lines["frequency_hz"][fits])
        others = {"file": list(found.lines["frequency_hz"][~fits])}
    else:
        tones_hz = list(found.tones_hz)
        others = summaries.unexpected_hz(found.measures, found.tones_hz)
    figure = probe_spectrograms(panels, tones_hz, others, found.name)
    style.save_figure(figure, [out / image for image in IMAGES])
