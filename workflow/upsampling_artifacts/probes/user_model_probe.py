"""Probe a user-supplied model with test signals at its own sampling rate and in its own shape."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.signal import resample_poly

from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.data.signals import test_signals
from upsampling_artifacts.errors import InputError, argument
from upsampling_artifacts.probes import model_summary, other_artifacts
from upsampling_artifacts.probes.audio_file import middle, read_audio
from upsampling_artifacts.probes.findings import Finding, not_measured
from upsampling_artifacts.probes.layer_paths import LayerPaths, measure_paths
from upsampling_artifacts.probes.layer_tracer import find_layers, layers_table, tone_strides
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS
from upsampling_artifacts.probes.model_findings import model_findings, unseen_findings
from upsampling_artifacts.probes.model_probe import (
    ProbeResult,
    boundary_segment,
    probe_model,
    run,
)
from upsampling_artifacts.probes.other_findings import aliasing_is_noise, other_findings
from upsampling_artifacts.probes.user_model import CheckedModel, evaluation_mode
from upsampling_artifacts.probes.user_model_arguments import (
    MAX_SAMPLES,
    STAGES,
    check_numbers,
    check_rate,
    check_use,
)
from upsampling_artifacts.probes.user_model_forms import (
    Form,
    find_form,
    input_share_db,
    trial_noise,
    whole_lengths,
)
from upsampling_artifacts.probes.user_model_loading import (
    Target,
    load_user_model,
    target_name,
)
from upsampling_artifacts.probes.user_model_signals import SINES, choose_signals, feature_signals

logger = logging.getLogger(__name__)

MAX_INPUT_VALUES = 4 * MAX_SAMPLES
"""Over all channels; they take a minute or two to measure."""

MAX_RATE_DENOMINATOR = 10_000
"""Music is resampled by a ratio of integers no larger than this: exact to 0.01 per million."""

MAX_TRIAL_GROWTH = 4
"""At most so many times longer are the trials with whole frames."""

CONSTANT_DB = -30.0
"""An output of which less depends on the input is called constant. Of sixteen published models with
random weights, four codecs have at most -42 dB, and the others at least -20 dB."""

AN_INPUT = "noise"
"""The test signal that a model must accept. One that fails with another is probed without it."""


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
        input_kind: ``"audio"`` or ``"features"``.

    Example:
        >>> model = torch.nn.ConvTranspose1d(1, 1, 8, stride=4, padding=2, bias=False)
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
    input_kind: str = "audio"

    def __repr__(self) -> str:
        return model_summary.summarize_model(
            self.name, self.rate_hz, self.layers, self.measures, self.findings, self.input_kind
        )


def probe_user_model(
    target: Target,
    *,
    rate_hz: float | None = None,
    channels: int | None = None,
    input_kind: str = "audio",
    options: dict[str, Any] | None = None,
    weights: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    stage: str | None = None,
    seconds: float = 6.0,
    music: str | Path | None = None,
    signals: Sequence[str] | None = None,
    name: str | None = None,
) -> ModelProbeResult:
    """Probe a user-supplied model. Arguments as for :func:`upsampling_artifacts.api.probe`.

    Returns:
        The measures of all seeds and the spectrograms of the first.

    Raises:
        InputError: The model or another argument is wrong.
    """
    name = name or target_name(target)
    check_numbers(rate_hz, channels, seeds, seconds)
    check_use(target, channels, input_kind, options, weights, seeds, stage, music)
    names, left_out = choose_signals(signals, input_kind, music is not None)
    sound = None if music is None else _Sound(music, *read_audio(music))
    results: list[ProbeResult] = []
    paths: LayerPaths | None = None
    others: list[Finding] = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            loaded = load_user_model(target, options or {}, seed, weights)
            output_hz = check_rate(rate_hz or loaded.rate_hz, seconds)
            model = CheckedModel(loaded.module, name, input_kind)
            torch.manual_seed(seed)  # some models draw random numbers in forward
            with evaluation_mode(model):
                form = find_form(model, channels or loaded.channels, loaded.example_length)
                if paths is None:  # the layers of all seeds are the same
                    paths, unknown = _paths(model, form)
                    left_out |= _black_boxes(model) | unknown
                    others = _constant_output(model, form)
                torch.manual_seed(seed)
                generated = _test_signals(model, form, output_hz, seconds, sound)
                chosen = {key: generated[key] for key in names if key in generated}
                result = _probe(model, chosen, output_hz, form.multiple, paths)
                found = result.measures["measure"] == "found_line_level"
                rows, failed = other_artifacts.measure_model(
                    _runner(model), chosen, result.outputs,
                    sorted(set(result.measures["frequency_hz"][found])), paths.layers, output_hz,
                    form.ratio, sines=SINES in names, whole=form.whole,
                )  # fmt: skip
                left_out |= result.left_out | failed
                results.append(replace(result, measures=pd.concat([result.measures, rows])))
            logger.info(f"{name}: probed seed {seed}")
    stage = stage or STAGES[loaded.is_trained]
    tables = [
        result.measures.assign(model=name, seed=seed, stage=stage)
        for seed, result in zip(seeds, results, strict=True)
    ]
    measures = pd.concat(tables, ignore_index=True)
    measures = measures[MEASURES_COLUMNS]
    assert paths is not None
    layers = layers_table(name, paths.layers)
    tones_hz = predicted_tones(output_hz, tone_strides(paths.layers))
    others += unseen_findings(paths.unseen, layers)
    is_constant = any(finding.kind == "constant_output" for finding in others)
    for measure, reason in _undefined(measures, is_constant).items():
        left_out.setdefault(measure, reason)
    segment_samples = _segment_samples(chosen, paths, form)
    others += [
        finding
        for finding in other_findings(measures, output_hz, input_kind, segment_samples)
        if finding.kind not in left_out
    ]
    others += not_measured(left_out)
    findings = model_findings(output_hz, layers, tones_hz, measures, others, input_kind)
    arrays = {**results[0].arrays, "input_kind": np.array(input_kind)}
    return ModelProbeResult(
        name, output_hz, measures, layers, tones_hz, arrays, findings, input_kind
    )


def _undefined(measures: pd.DataFrame, is_constant: bool) -> dict[str, str]:
    """Why measures that ran, or would have run, mean nothing."""
    reasons = {}
    if is_constant:  # what comes out of a model that hardly hears a sine is not its aliasing
        reasons["aliasing"] = "the output hardly depends on the input"
    elif aliasing_is_noise(measures):
        reasons["aliasing"] = "off its harmonics, the response to a sine does not repeat"
    if not (measures["measure"] == "boundary_start").any():
        reasons["boundary artifacts"] = "input and output differ in length"
    return reasons


def _segment_samples(chosen: dict[str, np.ndarray], paths: LayerPaths, form: Form) -> float:
    """Length of the segment whose boundaries were measured; inf if it is too short for any."""
    try:
        samples = next(iter(chosen.values())).shape[-1]
        return boundary_segment(samples, paths.layers, form.multiple)
    except InputError:
        return math.inf


def _paths(model: CheckedModel, form: Form) -> tuple[LayerPaths, dict[str, str]]:
    """The layers with their periods; without, if the model does not run with two lengths, and why.

    The periods are measured with whole frames if that is possible.
    """
    if "" in model.black_boxes():
        return LayerPaths([], {}, []), {}
    lengths = whole_lengths(form)
    try:
        paths = _measure_paths(model, form, lengths)
        down = {layer.name: layer.stride for layer in paths.layers if layer.direction == "down"}
        whole = whole_lengths(form, math.prod(down.values()))
        if whole != lengths and whole[0] <= MAX_TRIAL_GROWTH * form.length:
            paths = _measure_paths(model, form, whole)
    except InputError as error:
        paths = LayerPaths(find_layers(model, trial_noise(form.channels, form.length)), {}, [])
        return paths, {"periods of the layers": str(error)}
    return paths, {}


def _measure_paths(model: CheckedModel, form: Form, lengths: tuple[int, int]) -> LayerPaths:
    return measure_paths(model, *(trial_noise(form.channels, length) for length in lengths))


def _probe(
    model: CheckedModel,
    chosen: dict[str, np.ndarray],
    rate_hz: float,
    multiple: int,
    paths: LayerPaths,
) -> ProbeResult:
    """Probe with one signal at a time, because not every model accepts a batch."""
    results: list[ProbeResult] = []
    errors: dict[str, str] = {}
    for name, signal in chosen.items():
        try:
            result = probe_model(
                model, {name: signal}, rate_hz,
                multiple=multiple, known_layers=paths.layers, trace=paths.trace,
            )  # fmt: skip
            results.append(result)
        except InputError as error:
            # An output that is too short to be measured raises an error without the model's name.
            prefix = "" if str(error).startswith(model.name) else f"{model.name}: its output: "
            errors[name] = f"{prefix}{error}"
    if AN_INPUT in errors or not results:
        first, reason = next(iter(errors.items()))
        raise InputError(f"{reason}; the input was {first}")
    for key in sorted(model.dropped):
        logger.info(f"{model.name}: output '{key}' is not audio; dropped")
    arrays = {key: array for result in results for key, array in result.arrays.items()}
    measures = pd.concat([result.measures for result in results])
    outputs = {key: output for result in results for key, output in result.outputs.items()}
    left_out = {f"the response to {signal}": why for signal, why in errors.items()}
    for result in results:
        left_out |= result.left_out
    return ProbeResult(measures, arrays, results[0].layers, outputs, left_out)


def _runner(model: CheckedModel) -> other_artifacts.Run:
    return lambda signal: run(model, signal[None])[0]


def _black_boxes(model: CheckedModel) -> dict[str, str]:
    """Layers that cannot be seen, and why."""
    boxes = model.black_boxes()
    inside = "" if "" in boxes else f" inside {', '.join(boxes)}"
    reason = "TorchScript and exported programs are black boxes; probe the Python model"
    return {f"layers{inside}": reason} if boxes else {}


def _constant_output(model: CheckedModel, form: Form) -> list[Finding]:
    """Whether the output hardly depends on the input."""
    share_db = input_share_db(model, form)
    if share_db >= CONSTANT_DB:
        return []
    sentence = (
        "The output does not depend on the input: two different noises give the same."
        if math.isinf(share_db)
        else "The output hardly depends on the input: "
        f"what two different noises change in it is {share_db:.0f} dB re all of it."
    )
    return [Finding("constant_output", sentence, {"input_share_db": share_db})]


def _test_signals(
    model: CheckedModel,
    form: Form,
    rate_hz: float,
    seconds: float,
    music: _Sound | None,
) -> dict[str, np.ndarray]:
    """The model's test signals, of such a length that its output lasts ``seconds`` or longer."""
    input_rate_hz = rate_hz / form.ratio
    samples = form.whole(seconds * input_rate_hz)
    channels = form.channels
    if channels * samples > MAX_INPUT_VALUES:
        raise InputError(
            f"{argument('channels')}: {channels} channels of {samples:,} samples take too "
            f"long to measure; give fewer, or fewer {argument('seconds')}"
        )
    if form.ratio != 1:
        axis = "frame" if model.input_kind == "features" else "input sample"
        logger.info(f"{model.name}: {form.ratio:g} output samples per {axis}")
    if form.is_fixed:
        logger.info(f"{model.name}: probed for {samples / input_rate_hz:.2f} s, its only length")
    if model.input_kind == "features":
        return feature_signals(channels, samples)
    sound = None if music is None else _music(music, input_rate_hz, form, samples)
    return test_signals(samples / input_rate_hz, input_rate_hz, channels, sound)


@dataclass(frozen=True)
class _Sound:
    """An audio file: ``(channels, time)``."""

    path: str | Path
    signal: np.ndarray
    rate_hz: int


def _music(sound: _Sound, rate_hz: float, form: Form, samples: int) -> np.ndarray:
    """The middle of a file with standard deviation 1, at the model's rate and channel count."""
    signal = middle(sound.signal, round(samples / rate_hz * sound.rate_hz))
    if len(signal) != form.channels:
        signal = np.repeat(signal.mean(axis=0, keepdims=True), form.channels, axis=0)
        logger.info(
            f"{sound.path}: mixed down to mono, the same in all {form.channels} input channels"
        )
    if not signal.any():
        seconds = signal.shape[-1] / sound.rate_hz
        raise InputError(f"{sound.path}: the middle {seconds:g} s are silent; choose other music")
    ratio = Fraction(rate_hz / sound.rate_hz).limit_denominator(MAX_RATE_DENOMINATOR)
    resampled = resample_poly(signal, ratio.numerator, ratio.denominator, axis=-1)
    whole = min(samples, form.multiple * (resampled.shape[-1] // form.multiple))
    if not whole or (form.is_fixed and whole < samples):
        raise InputError(
            f"{sound.path}: is too short for the model, which takes {form.multiple} samples "
            f"({form.multiple / rate_hz:.2f} s) or a multiple; choose longer music"
        )
    return (resampled / resampled.std())[:, :whole].astype(np.float32)
