"""Probe a user-supplied model or an audio file: one call measures its upsampling artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from upsampling_artifacts.errors import InputError, argument
from upsampling_artifacts.figures.probe import draw_probe
from upsampling_artifacts.probes.audio_file_probe import FileProbeResult, probe_audio_file
from upsampling_artifacts.probes.result_files import write_result
from upsampling_artifacts.probes.user_model_loading import Target, is_model
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult, probe_user_model

IMAGES = ("spectrograms.png", "spectrograms.svg")


def probe(
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
    strides: Sequence[int] = (),
    hop: int = 1,
    name: str | None = None,
    out: str | Path | None = None,
) -> ModelProbeResult | FileProbeResult:
    """Measure the upsampling artifacts of a model, or find the stationary lines of an audio file.

    The rate-changing layers of a model are found by running it, and their strides predict its
    tones (paper, sections 2, 4 and 5). Test signals are silence, ones, white noise, a sine sweep,
    single sines and, optionally, music. A model that takes features is fed features of zero, of one
    and of noise.

    The form in which the model runs is found by trial: the layout of its input (with or without
    axes of batch and channels, time or features last), the number of channels, and what its length
    must be a multiple of. TorchScript and exported programs are black boxes: their lines are
    found, their layers are not.

    Args:
        target: A module or an exported program; or the import path ``"package.module:factory"`` or
            ``"file.py:factory"`` of a model, called with ``options``; or a file: audio,
            TorchScript, an exported program, or a trained model of this pipeline
            (``model.safetensors``).
        rate_hz: Sampling rate of the model's output, in Hz. For an audio file that was resampled:
            that of the model that generated it. A trained model of this pipeline names its own.
        channels: Number of channels of the model's input, or of its feature bins. Default: found by
            trial.
        input_kind: ``"audio"``, or ``"features"`` for a model from frames of features to audio,
            such as a vocoder.
        options: Keyword arguments of the factory. A config object that the factory requires is
            built from its defaults, with those options that the factory itself does not take.
        weights: A safetensors file or a checkpoint (of which only weights are read) with all of the
            model's parameters.
        seeds: Seeds of the initial weights, one model each. A module, which is already built,
            takes a single seed.
        stage: ``"initialization"`` or ``"trained"``: the label of the weights in the tables.
            Default: trained if they come from a file.
        seconds: Length of the model's output, in seconds; it may become longer, if the model takes
            whole frames. At most a minute at 48 kHz, because all layers are measured in memory.
        music: An audio file, as an additional test signal for a model that takes audio.
        signals: Which test signals to use: silence, ones, noise, sweep, sines, music. Default: all
            that the model can take; music, if it is given.
        strides: For an audio file: the strides of the model's upsampling layers, from input to
            output, if they are known.
        hop: For an audio file: the hop of the inverse STFT at the model's output, if there is one.
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
    folder = _folder(out)
    _check_target(target)
    if is_model(target):
        if strides or hop != 1:
            name_of = argument("strides" if strides else "hop")
            raise InputError(f"{name_of}: is for audio files; a model's is measured, so omit it")
        result = probe_user_model(
            target, rate_hz=rate_hz, channels=channels, input_kind=input_kind, options=options,
            weights=weights, seeds=seeds, stage=stage, seconds=seconds, music=music,
            signals=signals, name=name,
        )  # fmt: skip
    else:
        model_arguments = {
            "channels": channels, "options": options, "weights": weights, "stage": stage,
            "music": music, "signals": signals,
        }  # fmt: skip
        _refuse(model_arguments)
        result = probe_audio_file(str(target), rate_hz, strides, hop)
    if folder is not None:
        arrays = write_result(result, folder)
        draw_probe(arrays, [folder / image for image in IMAGES], Path(result.name).name)
    return result


def _folder(out: str | Path | None) -> Path | None:
    """The output folder; its absolute path, because a model may change the current folder."""
    if out is None:
        return None
    folder = Path(out).absolute()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{argument('out')}: {out} is not a folder; give another")
    return folder


def _check_target(target: object) -> None:
    if not isinstance(target, nn.Module | ExportedProgram | str | Path):
        raise InputError(
            f"target: is of type {type(target).__name__}; give a torch.nn.Module, "
            "'package.module:factory' or the path of an audio file"
        )
    if Path(str(target)).suffix == ".py":
        raise InputError(f"{target}: name the model in this file: {target}:factory")


def _refuse(arguments: dict[str, Any]) -> None:
    """Refuse the arguments of a model for an audio file."""
    for name, value in arguments.items():
        if value:
            raise InputError(f"{argument(name)}: is for models, not for audio files; omit it")
