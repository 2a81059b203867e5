"""Anyone's model, or a sound that it made: one call measures its upsampling artifacts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.probe import probe_spectrograms
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes import summaries
from upsampling_artifacts.probes.audio_file import (
    MOST_SECONDS,
    explain_lines,
    middle,
    read_audio,
)
from upsampling_artifacts.probes.line_summary import UNHEARD_DB
from upsampling_artifacts.probes.user_model_probe import ModelProbe, probe_user_model

logger = logging.getLogger(__name__)

IMAGES = ("spectrograms.png", "spectrograms.svg")


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
    name: str | None = None,
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
        name: What to call a model in the tables; its class or factory unless told.
        out: A folder for the tables (``measures.csv`` and ``layers.csv``, or ``lines.csv``), the
            summary (``summary.txt``) and the figure (``spectrograms.png``, ``.svg``).

    Raises:
        InputError: In one line, what is wrong with the target or another argument.
    """
    if isinstance(target, nn.Module) or _is_address(target):
        found = probe_user_model(
            target, rate_hz=rate_hz, channels=channels, input_kind=input_kind, options=options,
            seeds=seeds, stage=stage, seconds=seconds, music=music, name=name,
        )  # fmt: skip
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
    """Tables, summary and figure into a folder."""
    tables = (
        {"lines": found.lines}
        if isinstance(found, FileProbe)
        else {"measures": found.measures, "layers": found.layers}
    )
    for name, table in tables.items():
        with atomic_write(out / f"{name}.csv") as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6g")
    with atomic_write(out / "summary.txt") as unfinished:
        unfinished.write_text(f"{found}\n", encoding="utf-8")
    panels = {
        key.removesuffix("_db"): (
            found.arrays["frequencies_hz"],
            found.arrays["times_seconds"],
            levels.astype(np.float32),
        )
        for key, levels in found.arrays.items()
        if key.endswith("_db")
    }
    name, (predicted, others) = Path(found.name).name, marks(found)
    style.save_figure(
        probe_spectrograms(panels, predicted, others, name), [out / image for image in IMAGES]
    )


def marks(found: ModelProbe | FileProbe) -> tuple[list[float], dict[str, list[float]]]:
    """Frequencies to mark in the figure: predicted ones, and by signal what else was found."""
    if isinstance(found, FileProbe):
        heard = found.lines[found.lines["level_db"] >= UNHEARD_DB]
        frequencies_hz, fits = heard["frequency_hz"], heard["stride"].notna()
        return list(frequencies_hz[fits]), {"file": list(frequencies_hz[~fits])}
    others = summaries.unexpected(found.measures, found.layers, found.tones_hz, found.rate_hz)
    others = others[others["origin"] == ""]
    by_signal = {
        str(signal): list(group) for signal, group in others.groupby("signal")["frequency_hz"]
    }
    return list(found.tones_hz), by_signal
