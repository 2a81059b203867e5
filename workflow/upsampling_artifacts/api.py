"""Probe a user-supplied model or an audio file: one call measures its upsampling artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

from torch import nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures.probe import draw_probe
from upsampling_artifacts.probes.audio_file_probe import FileProbeResult, probe_audio_file
from upsampling_artifacts.probes.result_files import write_result
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult, probe_user_model

IMAGES = ("spectrograms.png", "spectrograms.svg")


def probe(
    target: nn.Module | str | Path,
    *,
    rate_hz: float | None = None,
    channels: int | None = None,
    input_kind: str = "audio",
    options: dict[str, Any] | None = None,
    seeds: Sequence[int] = (0,),
    stage: str = "initialization",
    seconds: float = 6.0,
    music: str | Path | None = None,
    strides: Sequence[int] = (),
    hop: int = 1,
    name: str | None = None,
    out: str | Path | None = None,
) -> ModelProbeResult | FileProbeResult:
    """Measure the upsampling artifacts of a model, or find the stationary lines of an audio file.

    The rate-changing layers of a model are found by running it, and their strides predict its
    tones (paper, sections 2, 4 and 5). Test signals are silence, ones, white noise, a sine sweep
    and, optionally, music. A model that takes features is fed only the first three.

    Args:
        target: A module; or the import path ``"package.module:factory"`` of a model, called with
            ``options``; or the path of an audio file.
        rate_hz: Sampling rate of the model's output, in Hz. For a file: the rate of the model that
            generated it, if the file was resampled.
        channels: Channels of the model's input: audio channels (default: 1) or feature bins.
        input_kind: ``"audio"`` for a model from ``(batch, channels, time)`` to
            ``(batch, ..., time)``; ``"features"`` for one from ``(batch, bins, frames)`` to audio,
            such as a vocoder.
        options: Keyword arguments of the factory.
        seeds: Seeds of the initial weights, one model each. A module, which is already built,
            takes a single seed.
        stage: ``"initialization"`` or ``"trained"``: the label of the weights in the tables.
        seconds: Length of the model's output, in seconds.
        music: An audio file, as an additional test signal for a model that takes audio.
        strides: For a file: the strides of the model's upsampling layers, in their order, if they
            are known.
        hop: For a file: the hop of the model's inverse STFT, if it has one.
        name: Name of the model in the tables. Default: its class or import path.
        out: A folder for the tables (``measures.csv`` and ``layers.csv``, or ``lines.csv``), the
            summary (``summary.txt``) and the figure (``spectrograms.png``, ``.svg``) with its
            arrays (``spectrograms.npz``).

    Returns:
        A :class:`ModelProbeResult` or, for an audio file, a :class:`FileProbeResult`. Print it for
        a summary.

    Raises:
        InputError: The target or another argument is wrong. The message is one line.

    >>> import torch
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Conv1d(1, 8, 8, stride=4, padding=2),
    ...     torch.nn.ConvTranspose1d(8, 1, 8, stride=4, padding=2),
    ... )
    >>> result = probe(model, rate_hz=8000, seconds=1.5)
    >>> result.tones_hz
    array([2000., 4000.])
    >>> result.layers[["kind", "direction", "stride"]].values.tolist()
    [['convolution', 'down', 4], ['transposed', 'up', 4]]
    """
    result: ModelProbeResult | FileProbeResult
    if isinstance(target, nn.Module) or _is_import_path(target):
        result = probe_user_model(
            target, rate_hz=rate_hz, channels=channels, input_kind=input_kind, options=options,
            seeds=seeds, stage=stage, seconds=seconds, music=music, name=name,
        )  # fmt: skip
    else:
        result = probe_audio_file(target, rate_hz, strides, hop)
    if out is not None:
        arrays = write_result(result, Path(out))
        draw_probe(arrays, [Path(out, image) for image in IMAGES], Path(result.name).name)
    return result


def _is_import_path(target: object) -> TypeGuard[str]:
    """Whether a target is an import path, not the path of a file."""
    if not isinstance(target, str | Path):
        raise InputError(
            f"target: is of type {type(target).__name__}; give a torch.nn.Module, "
            "'package.module:factory' or the path of an audio file"
        )
    return isinstance(target, str) and ":" in target and not Path(target).exists()
