"""The readable summary of an audio file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from upsampling_artifacts.probes.file_lines import FULL_SCALE_DB_SPL
from upsampling_artifacts.probes.findings import Finding, counted

WIDTH = 100

DEFINITIONS = (
    "Levels are RMS, in dB re full scale; masked thresholds are for full scale played at "
    f"{FULL_SCALE_DB_SPL:g} dB SPL. A line stands out if it is steady in three quarters of the "
    "time and higher above its surroundings than noise is by chance in one file of 100."
)
"""What a level is and what stands out (:func:`line_search.find_lines`)."""


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

    >>> text = summarize_file("a.wav", 8000, 2, 3, [Finding("tones", "No line was found.", {})])
    >>> text.splitlines()[0], text.splitlines()[-1]
    ('a.wav: 8000 Hz, 2 channels, 3.0 s', 'No line was found.')
    """
    text = [
        f"{name}: {rate_hz:g} Hz, {counted(channels, 'channel')}, {seconds:.1f} s",
        *_wrapped(DEFINITIONS),
        "",
    ]
    return "\n".join([*text, *(line for f in findings for line in _wrapped(f.sentence))])


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_long_words=False)
