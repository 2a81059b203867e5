"""Test signals of a user-supplied model: those that it can take, the choice, their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from upsampling_artifacts.errors import InputError, argument

SINES = "sines"

SIGNALS = ("silence", "ones", "noise", "sweep", SINES, "music")
"""Test signals of a model that takes audio, by the names that ``signals`` of a probe accepts."""

FEATURE_SIGNALS = ("silence", "ones", "noise")
"""Those of a model that takes features: zeros, ones and noise in every bin."""

FEATURE_NAMES = {
    "silence": "zero features",
    "ones": "constant features",
    "noise": "noise features",
}
"""What these are: features of zero need not stand for silence."""

NEEDS = {
    "offset": "silence",
    "masking": "noise",
    "images": "noise",
    "clicks between chunks": "noise",
    "boundary artifacts": "noise",
    "aliasing": SINES,
}
"""The test signal with which each artifact is measured."""

TAKES_FEATURES = "the model takes features, not audio"


def choose_signals(
    signals: Sequence[str] | None, input_kind: str, has_music: bool
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Choose the test signals of a probe.

    Args:
        signals: Names from :data:`SIGNALS`; None for all that the model can take.
        input_kind: ``"audio"`` or ``"features"``.
        has_music: Whether an audio file was given to use as music.

    Returns:
        The names, in the order of :data:`SIGNALS`, and why others, if they were asked for, and
        some artifacts (:data:`NEEDS`) are not measured.

    Raises:
        InputError: A name is unknown, music is asked for but not given, or nothing is left.

    Example:
        >>> choose_signals(["noise", "silence"], "audio", has_music=False)
        (('silence', 'noise'), {'aliasing': "without the test signal 'sines'"})
        >>> choose_signals(["nois"], "audio", has_music=False)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: signals: unknown 'nois'; known: silence, ones, \
noise, sweep, sines, music
    """
    possible = SIGNALS if input_kind == "audio" else FEATURE_SIGNALS
    if signals is None:
        chosen = tuple(name for name in possible if name != "music" or has_music)
        return chosen, _not_measured(chosen, possible)
    for name in signals:
        if name not in SIGNALS:
            raise InputError(
                f"{argument('signals')}: unknown '{name}'; known: {', '.join(SIGNALS)}"
            )
    if "music" in signals and input_kind == "audio" and not has_music:
        raise InputError(
            f"{argument('signals')}: 'music' needs an audio file; give it as {argument('music')}"
        )
    chosen = tuple(name for name in possible if name in signals)
    if not set(chosen) - {SINES}:
        raise InputError(
            f"{argument('signals')}: {', '.join(signals) or 'none'}: give at least one of "
            f"{', '.join(name for name in possible if name != SINES)}, to find the layers"
        )
    refused = dict.fromkeys(set(signals) - set(possible) - {SINES}, TAKES_FEATURES)
    return chosen, {**dict(sorted(refused.items())), **_not_measured(chosen, possible)}


def _not_measured(chosen: Sequence[str], possible: Sequence[str]) -> dict[str, str]:
    """Why artifacts are not measured with the chosen signals."""
    reasons = {
        artifact: f"without the test signal '{signal}'" if signal in possible else TAKES_FEATURES
        for artifact, signal in NEEDS.items()
        if signal not in chosen
    }
    if SINES not in possible:  # features have no samples at the output's rate
        reasons["boundary artifacts"] = TAKES_FEATURES
    return reasons


def feature_signals(channels: int, frames: int) -> dict[str, np.ndarray]:
    """The test signals of a model that takes features, :data:`FEATURE_SIGNALS`.

    Args:
        channels: Number of bins.
        frames: Number of frames.

    Returns:
        ``(channels, frames)`` float32 by name; the noise has the standard deviation 1.
    """
    noise = np.random.default_rng(0).standard_normal((channels, frames), np.float32)
    return {"silence": np.zeros_like(noise), "ones": np.ones_like(noise), "noise": noise}


def in_signals(signals: str | Sequence[str], input_kind: str) -> str:
    """Say in the response to which test signals something was found.

    Args:
        signals: One name or several.
        input_kind: ``"audio"`` or ``"features"``.

    >>> in_signals("silence", "audio"), in_signals(["noise", "silence"], "features")
    ('in silence', 'with noise features and zero features')
    """
    names = [signals] if isinstance(signals, str) else list(signals)
    if input_kind == "audio":
        return f"in {' and '.join(names)}"
    return f"with {' and '.join(FEATURE_NAMES.get(name, name) for name in names)}"
