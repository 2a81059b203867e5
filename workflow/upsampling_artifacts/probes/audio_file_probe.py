"""Probe an audio file: its stationary lines, the strides that fit them, and its spectrogram."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.errors import InputError, argument
from upsampling_artifacts.probes import file_summary
from upsampling_artifacts.probes.audio_file import MAX_SECONDS, middle, products, read_audio
from upsampling_artifacts.probes.file_artifacts import file_findings
from upsampling_artifacts.probes.file_findings import lines_findings
from upsampling_artifacts.probes.file_lines import find_file_lines
from upsampling_artifacts.probes.findings import Finding

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class FileProbeResult:
    """The stationary lines of an audio file. Its ``repr`` is a readable summary.

    Attributes:
        name: Path of the file.
        rate_hz: Sampling rate of the file.
        channels: Number of channels.
        seconds: Duration of the file.
        lines: The stationary narrow lines, with the columns :data:`file_lines.COLUMNS`.
        arrays: ``frequencies_hz``, ``times_seconds`` and ``file_db`` ``(frequency, time)``.
        findings: What was found, the verdict first, and what cannot be measured in a file.

    Example:
        >>> import tempfile
        >>> import soundfile
        >>> tone = 0.1 * np.sin(2 * np.pi * 2000 / 8000 * np.arange(16_000))
        >>> with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        ...     soundfile.write(file.name, tone, 8000)
        ...     result = probe_audio_file(file.name)
        >>> strongest = result.lines.iloc[0]
        >>> round(strongest["frequency_hz"]), int(strongest["stride"])  # rate/4
        (2000, 4)
    """

    name: str
    rate_hz: float
    channels: int
    seconds: float
    lines: pd.DataFrame
    arrays: dict[str, np.ndarray]
    findings: list[Finding] = field(default_factory=list)

    def __repr__(self) -> str:
        return file_summary.summarize_file(
            self.name, self.rate_hz, self.channels, self.seconds, self.findings
        )


def probe_audio_file(
    path: str | Path,
    model_rate_hz: float | None = None,
    strides: Sequence[int] = (),
    hop: int = 1,
) -> FileProbeResult:
    """Find the stationary lines of an audio file and the layers that explain them.

    Only the middle minute of a longer file is measured.

    Args:
        path: Any format of libsndfile: wav, flac, ogg, mp3 ...
        model_rate_hz: Sampling rate of the model that generated the sound, if the file was
            resampled. None: the rate of the file, unless its spectrum ends where that of a lower
            rate does.
        strides: Those of the model's upsampling layers, if they are known, in the order of the
            layers.
        hop: That of the model's inverse STFT; 1 if it has none.

    Returns:
        The lines, what they point to, and a spectrogram.

    Raises:
        InputError: The file cannot be measured, or another argument is not positive.
    """
    path = Path(path)
    signal, rate_hz = read_audio(path)
    if model_rate_hz is not None and not 0 < model_rate_hz < np.inf:
        raise InputError(
            f"{argument('rate_hz')}: is {model_rate_hz:g}; must be positive, or omitted"
        )
    own_strides = products(strides, hop) or None
    seconds = signal.shape[-1] / rate_hz
    if seconds > MAX_SECONDS:
        logger.info(f"{path}: {seconds:.0f} s long; only the middle {MAX_SECONDS:g} s are measured")
        signal = middle(signal, round(MAX_SECONDS * rate_hz))
    found = find_file_lines(signal, rate_hz, model_rate_hz, own_strides)
    findings = lines_findings(
        found, rate_hz, signal.shape[-1] / rate_hz, own_strides, model_rate_hz
    )
    # Both searches notice a resampled file.
    kinds = {finding.kind for finding in findings}
    findings += [f for f in file_findings(signal, rate_hz) if f.kind not in kinds]
    frequencies_hz, times_seconds, level_db = spectrogram_db(signal, rate_hz)
    arrays = {
        "frequencies_hz": frequencies_hz,
        "times_seconds": times_seconds,
        "file_db": level_db.astype(np.float16),
    }
    return FileProbeResult(str(path), rate_hz, len(signal), seconds, found.table, arrays, findings)
