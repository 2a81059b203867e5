"""Names of the test signals in figures and in the report."""

from __future__ import annotations

SIGNAL_NAMES = {
    "silence": "silence",
    "near_silence": "near-silence",
    "noise": "white noise",
    "sweep": "sweep",
    "impulses": "impulses",
    "speech": "speech",
    "music": "music",
    "quiet": "quiet music",
    "excerpt": "real song",
}
"""In the order of figures and tables. The user's own sounds follow, with their own names."""


def signal_name(signal: str) -> str:
    """The name of a test signal; a user's own sound keeps its own.

    >>> signal_name("near_silence"), signal_name("my_cello")
    ('near-silence', 'my_cello')
    """
    return SIGNAL_NAMES.get(signal, signal)
