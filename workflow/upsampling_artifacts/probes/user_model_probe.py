"""Probing anyone's model: built, checked, and measured with signals of its own rate and shape."""

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

from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.data import signals
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes import summaries
from upsampling_artifacts.probes.audio_file import middle, read_audio
from upsampling_artifacts.probes.layer_tracer import tone_strides
from upsampling_artifacts.probes.model_probe import Probe, probe_model
from upsampling_artifacts.probes.user_model import (
    AXES,
    CheckedModel,
    evaluating,
    load_model,
    output_ratio,
    target_name,
)

logger = logging.getLogger(__name__)

SHORTEST_SECONDS = 1.5


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


def probe_user_model(
    target: nn.Module | str,
    *,
    rate_hz: float,
    channels: int | None = None,
    input_kind: str = "audio",
    options: dict | None = None,
    seeds: Sequence[int] = (0,),
    stage: str = "initialization",
    seconds: float = 6.0,
    music: str | Path | None = None,
    name: str | None = None,
) -> ModelProbe:
    """Probe a model; the arguments are those of :func:`upsampling_artifacts.api.probe`.

    Raises:
        InputError: In one line, what is wrong with the target or another argument.
    """
    _check(target, rate_hz, channels, input_kind, options, seeds, seconds, music)
    name = name or target_name(target)
    probes: list[Probe] = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            model = CheckedModel(load_model(target, options or {}, seed), name, input_kind)
            torch.manual_seed(seed)  # some models draw random numbers when they run
            with evaluating(model):
                test_signals = _signals(model, rate_hz, channels or 1, seconds, music)
                probes.append(_probe(model, test_signals, rate_hz))
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
    tones_hz = predicted_tones(rate_hz, tone_strides(probes[0].layers))
    return ModelProbe(name, rate_hz, measures, layers, tones_hz, probes[0].arrays)


def _probe(model: CheckedModel, test_signals: dict[str, np.ndarray], rate_hz: float) -> Probe:
    """As :func:`probing.probe_model`, but signal by signal: not every model takes a batch."""
    probes = []
    for name, signal in test_signals.items():
        try:
            probes.append(probe_model(model, {name: signal}, rate_hz))
        except InputError as error:
            # What comes out may also be too short to be measured.
            at_fault = "" if str(error).startswith(model.name) else f"{model.name}: its output: "
            raise InputError(f"{at_fault}{error}; the input was {name}") from error
    arrays = {key: array for probe in probes for key, array in probe.arrays.items()}
    return Probe(pd.concat([probe.measures for probe in probes]), arrays, probes[0].layers)


def _check(
    target: nn.Module | str,
    rate_hz: float | None,
    channels: int | None,
    input_kind: str,
    options: dict | None,
    seeds: Sequence[int],
    seconds: float,
    music: str | Path | None,
) -> None:
    """Refuse arguments that are wrong whatever the model."""
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


def _signals(
    model: CheckedModel,
    rate_hz: float,
    channels: int,
    seconds: float,
    music: str | Path | None,
) -> dict[str, np.ndarray]:
    """The model's test signals, so long that what comes out lasts ``seconds``."""
    ratio = output_ratio(model, channels)
    input_rate_hz = rate_hz / ratio
    if model.input_kind == "features":
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
