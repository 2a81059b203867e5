"""The readable summary of an audio file."""

from __future__ import annotations

from typing import Any

import pandas as pd

from upsampling_artifacts.probes.findings import counted, rate_fraction
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB

MAX_LINES = 16


def summarize_file(
    name: str, rate_hz: float, channels: int, seconds: float, lines: pd.DataFrame
) -> str:
    """Summarize an audio file: its lines, the strides that explain them, and a verdict.

    Args:
        name: Name of the file.
        rate_hz: Sampling rate of the file.
        channels: Number of channels.
        seconds: Duration of the file.
        lines: From :func:`audio_file.explain_lines`.
    """
    text = [f"{name}: {rate_hz:g} Hz, {counted(channels, 'channel')}, {seconds:.1f} s"]
    audible = lines[lines["level_db"] >= INAUDIBLE_DB]
    if not audible.empty:
        text += ["Stationary narrow lines, strongest first:"]
    for line in audible.head(MAX_LINES).to_dict("records"):
        text += [
            f"  {line['frequency_hz']:9.2f} Hz  {line['level_db']:6.1f} dB re full scale, "
            f"prominence {line['prominence_db']:.0f} dB, present {line['presence']:.0%} "
            "of the time",
            f"{'':14}{_explanation(line)}",
        ]
    if len(audible) > MAX_LINES:
        text += [f"And {counted(len(audible) - MAX_LINES, 'more line')}."]
    if len(audible) < len(lines):
        quiet = counted(len(lines) - len(audible), "line")
        text += [f"And {quiet} below {INAUDIBLE_DB:g} dB, under the last bit of 16-bit audio."]
    return "\n".join([*text, _verdict(audible)])


def _verdict(lines: pd.DataFrame) -> str:
    if lines.empty:
        return "No stationary narrow line was found."
    fits = lines["stride"].notna()
    n_lines = counted(len(lines), "line")
    if not fits.any():
        return f"None of {n_lines} is at a frequency where an upsampling layer puts tones."
    # Each line was compared with the tones of all strides up to the largest that fits one.
    expected = len(lines) * lines["chance"].max()
    verb = "is" if fits.sum() == 1 else "are"
    return (
        f"{fits.sum()} of {n_lines} {verb} at a frequency where an upsampling layer puts tones "
        f"(expected by chance: {expected:.1g})."
    )


def _explanation(line: dict[Any, Any]) -> str:
    mains = f"mains hum: {line['mains']}" if line["mains"] else ""
    if pd.isna(line["stride"]):
        return "no stride fits" + (f"; {mains}" if mains else "")
    fit = (
        f"{rate_fraction(line['multiple'], line['stride'])}: "
        f"strides {line['strides'].replace(' ', ', ')}; "
        f"probability for an unrelated line: {line['chance']:.1g}"
    )
    return f"{fit}; but also {mains}" if mains else fit
