"""The readable summary of an audio file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from upsampling_artifacts.probes.findings import Finding, counted

WIDTH = 100


def summarize_file(
    name: str, rate_hz: float, channels: int, seconds: float, findings: Sequence[Finding]
) -> str:
    """Summarize an audio file: what it is, and what was found, the verdict first.

    Args:
        name: Name of the file.
        rate_hz: Sampling rate of the file.
        channels: Number of channels.
        seconds: Duration of the file.
        findings: What was found.

    >>> print(summarize_file("a.wav", 8000, 2, 3, [Finding("tones", "No line was found.", {})]))
    a.wav: 8000 Hz, 2 channels, 3.0 s
    No line was found.
    """
    text = [f"{name}: {rate_hz:g} Hz, {counted(channels, 'channel')}, {seconds:.1f} s"]
    for finding in findings:
        text += textwrap.wrap(
            finding.sentence, WIDTH, subsequent_indent="  ", break_long_words=False
        )
    return "\n".join(text)
