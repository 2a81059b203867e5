"""Arguments of the probe of a model: what no model could accept is refused before it is built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from upsampling_artifacts.errors import InputError, argument
from upsampling_artifacts.probes.user_model import LAYOUTS
from upsampling_artifacts.probes.user_model_loading import Target, is_factory

MIN_SECONDS = 1.5
MIN_RATE_HZ = 1000.0

MAX_SAMPLES = 60 * 48_000
"""Samples per channel of the input and of the output. The outputs of all layers are measured in
memory, in float64: one layer of 32 channels takes 0.7 GB at this length."""

MAX_CHANNELS = {"audio": 64, "features": 4096}
MAX_SEED = 2**63 - 1

STAGES = ("initialization", "trained")


def check_numbers(rate_hz: Any, channels: Any, seeds: Any, seconds: Any) -> None:
    """Refuse numbers with which no model could be probed."""
    if not _is_number(seconds) or seconds < MIN_SECONDS:
        raise InputError(
            f"{argument('seconds')}: is {_shown(seconds)}; must be at least {MIN_SECONDS:g}"
        )
    if rate_hz is not None:
        check_rate(rate_hz, seconds)
    if channels is not None and not (_is_whole(channels) and channels >= 1):
        raise InputError(f"{argument('channels')}: is {channels}; must be at least 1")
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        raise InputError(f"{argument('seeds')}: is {seeds!r}; give a list of numbers")
    if not seeds:
        raise InputError(f"{argument('seeds')}: is empty; give at least one")
    for index, seed in enumerate(seeds):
        if not (_is_whole(seed) and 0 <= seed <= MAX_SEED):
            raise InputError(f"{argument('seeds')}: {seed!r} is no whole number from 0 to 2^63 - 1")
        if seed in seeds[:index]:
            raise InputError(f"{argument('seeds')}: {seed} is given twice; give each seed once")


def check_rate(rate_hz: Any, seconds: float) -> float:
    """Check the sampling rate, and that so many seconds can be measured in memory."""
    name = argument("rate_hz")
    if rate_hz is None:
        raise InputError(f"{name}: is missing; give the sampling rate of the model's output")
    if not _is_number(rate_hz):
        raise InputError(f"{name}: is {_shown(rate_hz)}; give a finite number of Hz")
    if rate_hz < MIN_RATE_HZ:
        raise InputError(
            f"{name}: is {rate_hz:g}; give at least {MIN_RATE_HZ:g} Hz (not kHz: 44100, not 44.1)"
        )
    if seconds * rate_hz > MAX_SAMPLES:
        raise InputError(
            f"{argument('seconds')}: {seconds:g} s at {rate_hz:g} Hz are {seconds * rate_hz:.3g} "
            f"samples; at most {MAX_SAMPLES:,} are probed, because all layers are measured in "
            f"memory; at most {MAX_SAMPLES / rate_hz:.3g} s here"
        )
    return float(rate_hz)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, Real) else repr(value)


def check_use(
    target: Target,
    channels: int | None,
    input_kind: str,
    options: dict[str, Any] | None,
    weights: str | Path | None,
    seeds: Sequence[int],
    stage: str | None,
    music: str | Path | None,
) -> None:
    """Refuse arguments that do not go together."""
    if input_kind not in LAYOUTS:
        raise InputError(
            f"{argument('input_kind')}: unknown '{input_kind}'; known: {', '.join(LAYOUTS)}"
        )
    if channels is not None and channels > MAX_CHANNELS[input_kind]:
        raise InputError(
            f"{argument('channels')}: is {channels}; at most {MAX_CHANNELS[input_kind]} are probed"
        )
    if stage is not None and stage not in STAGES:
        raise InputError(f"{argument('stage')}: unknown '{stage}'; known: {', '.join(STAGES)}")
    if music is not None and input_kind == "features":
        raise InputError(
            f"{argument('music')}: needs a model whose input is audio, not features; omit it"
        )
    if not is_factory(target):
        for name, value in (("options", options), ("weights", weights)):
            if value:
                raise InputError(
                    f"{argument(name)}: need a factory, but the model is already built; omit them"
                )
    if len(seeds) > 1 and (weights is not None or not is_factory(target)):
        raise InputError(
            f"{argument('seeds')}: a model that is already built or trained has one set of "
            "weights; give one seed, or a factory as package.module:factory"
        )
