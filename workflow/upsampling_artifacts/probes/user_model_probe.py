"""Probe a user-supplied model with test signals at its own sampling rate and in its own shape."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torchaudio.functional import resample

from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.data import signals
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes import model_summary
from upsampling_artifacts.probes.audio_file import middle, read_audio
from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.layer_paths import LayerPaths, measure_paths
from upsampling_artifacts.probes.layer_tracer import find_layers, layers_table, tone_strides
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS
from upsampling_artifacts.probes.model_findings import model_findings, unseen_findings
from upsampling_artifacts.probes.model_probe import ProbeResult, probe_model
from upsampling_artifacts.probes.user_model import (
    AXES,
    TRIAL_FRAMES,
    TRIAL_SAMPLES,
    CheckedModel,
    evaluation_mode,
    load_user_model,
    output_ratio,
    target_name,
)

logger = logging.getLogger(__name__)

MIN_SECONDS = 1.5


@dataclass(frozen=True, repr=False)
class ModelProbeResult:
    """The measured artifacts of a model. Its ``repr`` is a readable summary.

    Attributes:
        name: Name of the model.
        rate_hz: Sampling rate of its output.
        measures: A table with the columns model, seed, stage, signal, layer, measure, frequency_hz,
            value, unit.
        layers: The rate-changing layers, in the order they run: columns model, name, kind,
            direction, stride, mode, calls, reaches_output, period (:class:`layer_tracer.Layer`).
        tones_hz: Frequencies at which the upsampling layers put tones, in ascending order.
        arrays: Spectrograms of the first seed, as in :class:`model_probe.ProbeResult`.
        findings: What was found, in sentences, the most important first.

    Example:
        >>> model = nn.ConvTranspose1d(1, 1, 8, stride=4, padding=2, bias=False)
        >>> result = probe_user_model(model, rate_hz=8000, seconds=2.0)
        >>> result.layers[["kind", "stride"]].values.tolist()
        [['transposed', 4]]
        >>> silence = result.measures.query("signal == 'silence' and measure == 'line_level'")
        >>> silence["value"].tolist()  # no bias: silence in, silence out
        [-inf, -inf]
    """

    name: str
    rate_hz: float
    measures: pd.DataFrame
    layers: pd.DataFrame
    tones_hz: np.ndarray
    arrays: dict[str, np.ndarray]
    findings: list[Finding] = field(default_factory=list)

    def __repr__(self) -> str:
        return model_summary.summarize_model(
            self.name, self.rate_hz, self.layers, self.measures, self.findings
        )


def probe_user_model(
    target: nn.Module | str,
    *,
    rate_hz: float | None,
    channels: int | None = None,
    input_kind: str = "audio",
    options: dict[str, Any] | None = None,
    seeds: Sequence[int] = (0,),
    stage: str = "initialization",
    seconds: float = 6.0,
    music: str | Path | None = None,
    name: str | None = None,
) -> ModelProbeResult:
    """Probe a user-supplied model. Arguments as for :func:`upsampling_artifacts.api.probe`.

    Returns:
        The measures of all seeds and the spectrograms of the first.

    Raises:
        InputError: The model or another argument is wrong.
    """
    rate_hz = _check(target, rate_hz, channels, input_kind, options, seeds, seconds, music)
    name = name or target_name(target)
    results: list[ProbeResult] = []
    paths: LayerPaths | None = None
    others: list[Finding] = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            model = CheckedModel(load_user_model(target, options or {}, seed), name, input_kind)
            torch.manual_seed(seed)  # some models draw random numbers in forward
            with evaluation_mode(model):
                test_signals = _test_signals(model, rate_hz, channels or 1, seconds, music)
                if paths is None:  # the layers of all seeds are the same
                    paths, others = _paths(model, channels or 1)
                    others += _constant_output(model, channels or 1)
                results.append(_probe(model, test_signals, rate_hz, paths))
            logger.info(f"{name}: probed seed {seed}")
    tables = [
        result.measures.assign(model=name, seed=seed, stage=stage)
        for seed, result in zip(seeds, results, strict=True)
    ]
    measures = pd.concat(tables, ignore_index=True)
    measures = measures[MEASURES_COLUMNS]
    first_result = results[0]
    assert paths is not None
    layers = layers_table(name, paths.layers)
    tones_hz = predicted_tones(rate_hz, tone_strides(paths.layers))
    others += unseen_findings(paths.unseen, layers)
    findings = model_findings(rate_hz, layers, tones_hz, measures, others)
    return ModelProbeResult(
        name, rate_hz, measures, layers, tones_hz, first_result.arrays, findings
    )


def _paths(model: CheckedModel, channels: int) -> tuple[LayerPaths, list[Finding]]:
    """The layers with their periods; without, if the model does not run with two lengths."""
    lengths = TRIAL_SAMPLES if model.input_kind == "audio" else TRIAL_FRAMES
    shorter, longer = (_noise(channels, length) for length in lengths)
    try:
        return measure_paths(model, shorter, longer), []
    except InputError as error:
        sentence = f"The periods of the layers were not measured: {error}."
        paths = LayerPaths(find_layers(model, shorter), {}, [])
        return paths, [Finding("left_out", sentence, {})]


def _constant_output(model: CheckedModel, channels: int) -> list[Finding]:
    """Compare the outputs of two different noises."""
    length = (TRIAL_SAMPLES if model.input_kind == "audio" else TRIAL_FRAMES)[0]
    outputs = []
    for seed in (0, 1):
        torch.manual_seed(0)
        outputs.append(model(_noise(channels, length, seed)))
    if not torch.equal(*outputs):
        return []
    sentence = "The output does not depend on the input: two different noises give the same."
    return [Finding("constant_output", sentence, {})]


def _noise(channels: int, length: int, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((1, channels, length), np.float32))


def _probe(
    model: CheckedModel, test_signals: dict[str, np.ndarray], rate_hz: float, paths: LayerPaths
) -> ProbeResult:
    """Probe with one signal at a time, because not every model accepts a batch."""
    results = []
    for name, signal in test_signals.items():
        try:
            result = probe_model(
                model, {name: signal}, rate_hz, known_layers=paths.layers, trace=paths.trace
            )
            results.append(result)
        except InputError as error:
            # An output that is too short to be measured raises an error without the model's name.
            prefix = "" if str(error).startswith(model.name) else f"{model.name}: its output: "
            raise InputError(f"{prefix}{error}; the input was {name}") from error
    arrays = {key: array for result in results for key, array in result.arrays.items()}
    measures = pd.concat([result.measures for result in results])
    outputs = {key: output for result in results for key, output in result.outputs.items()}
    return ProbeResult(measures, arrays, results[0].layers, outputs)


def _check(
    target: nn.Module | str,
    rate_hz: float | None,
    channels: int | None,
    input_kind: str,
    options: dict[str, Any] | None,
    seeds: Sequence[int],
    seconds: float,
    music: str | Path | None,
) -> float:
    """Refuse arguments that no model could accept; return the sampling rate."""
    if rate_hz is None or not rate_hz > 0:
        raise InputError(f"rate_hz: is {rate_hz}; give the sampling rate of the model's output")
    if input_kind not in AXES:
        raise InputError(f"input_kind: unknown '{input_kind}'; known: {', '.join(AXES)}")
    if channels is None and input_kind == "features":
        raise InputError("channels: is None; give the number of feature bins")
    if channels is not None and channels < 1:
        raise InputError(f"channels: is {channels}; must be at least 1")
    if music is not None and input_kind == "features":
        raise InputError("music: needs a model whose input is audio, not features; omit it")
    if isinstance(target, nn.Module) and options:
        raise InputError("options: need a factory, but the model is already built; omit them")
    if not seeds:
        raise InputError("seeds: is empty; give at least one")
    if isinstance(target, nn.Module) and len(seeds) > 1:
        raise InputError(
            "seeds: a model that is already built has one set of weights; "
            "give one seed, or a factory as 'package.module:factory'"
        )
    if seconds < MIN_SECONDS:
        raise InputError(f"seconds: is {seconds:g}; must be at least {MIN_SECONDS:g}")
    return rate_hz


def _test_signals(
    model: CheckedModel,
    rate_hz: float,
    channels: int,
    seconds: float,
    music: str | Path | None,
) -> dict[str, np.ndarray]:
    """The model's test signals, of such a length that its output lasts ``seconds``."""
    ratio = output_ratio(model, channels)
    input_rate_hz = rate_hz / ratio
    if model.input_kind == "features":
        logger.info(f"{model.name}: {ratio:g} output samples per frame")
        frames = round(seconds * input_rate_hz)
        noise = np.random.default_rng(0).standard_normal((channels, frames), np.float32)
        return {"silence": np.zeros_like(noise), "ones": np.ones_like(noise), "noise": noise}
    if ratio != 1:
        logger.info(f"{model.name}: {ratio:g} output samples per input sample")
    sound = None if music is None else _music(music, input_rate_hz, channels, seconds)
    return signals.test_signals(seconds, input_rate_hz, channels, sound)


def _music(path: str | Path, rate_hz: float, channels: int, seconds: float) -> np.ndarray:
    """The middle of a file with standard deviation 1, at the model's rate and channel count."""
    signal, file_rate_hz = read_audio(path)
    signal = middle(signal, round(seconds * file_rate_hz))
    if len(signal) != channels:
        signal = np.repeat(signal.mean(axis=0, keepdims=True), channels, axis=0)
        logger.info(f"{path}: mixed down to mono, the same in all {channels} input channels")
    if not signal.any():
        raise InputError(f"{path}: the middle {seconds:g} s are silent; choose other music")
    sound = resample(torch.from_numpy(signal), file_rate_hz, round(rate_hz)).numpy()
    return sound / sound.std()
