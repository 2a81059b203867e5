"""What an experiment asks of a computer, from its configuration, before any of it runs."""

from __future__ import annotations


def scoring_memory_mb(song_seconds: list[float], rate_hz: int, processes: int) -> int:
    """Memory of a job that scores songs of these lengths, so many at once.

    Measured at 44.1 kHz with four stereo sources: museval 0.4.1 takes 1.4 GB for 30 s of audio, and
    6.75 GB for four minutes. The longest songs may meet.
    """
    each = 600 + 30 * max(song_seconds) * rate_hz / 44100
    return round(1400 + processes * each)
