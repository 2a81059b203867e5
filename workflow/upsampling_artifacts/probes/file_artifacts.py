"""What is wrong with a sound when it is not a tone: an offset, images, clicks."""

from __future__ import annotations

import math

import numpy as np

from upsampling_artifacts.artifacts.clicks import ClickTrain, find_clicks
from upsampling_artifacts.artifacts.image_search import Images, find_images
from upsampling_artifacts.artifacts.offset import measure_offset
from upsampling_artifacts.probes.artifact_sentences import (
    GOOD_RESAMPLER_DB,
    IMAGES_DB,
    every,
    image_finding,
)
from upsampling_artifacts.probes.findings import Finding, not_measured

FILE_OFFSET_DB = -60.0
"""A smaller offset, of a thousandth of full scale, is of no consequence: many recordings and
synthesizers have one."""

NOT_IN_FILES = dict.fromkeys(("aliasing", "boundary artifacts"), "they need the model; probe it")


def file_findings(signal: np.ndarray, rate_hz: float) -> list[Finding]:
    """Measure what is not a tone in a sound, and say what was found.

    Args:
        signal: ``(channels, time)`` re full scale.
        rate_hz: Sampling rate.

    Returns:
        One finding of each kind that was found (offset, images or resampled, clicks), and one that
        says what was not measured.

    Example:
        >>> signal = 0.1 * np.random.default_rng(0).standard_normal((1, 48_000)) + 0.01
        >>> [finding.kind for finding in file_findings(signal, 24_000)]
        ['offset', 'left_out']
    """
    findings = [
        _file_offset(signal),
        *[_file_images(images, rate_hz) for images in find_images(signal, rate_hz)],
        _file_clicks(find_clicks(signal, rate_hz), rate_hz),
        *not_measured(NOT_IN_FILES),
    ]
    return [finding for finding in findings if finding]


def _file_offset(signal: np.ndarray) -> Finding | None:
    offset = measure_offset(signal)
    if not offset.significant or offset.level_db < FILE_OFFSET_DB:
        return None
    where = f" (channel {offset.channel + 1} of {len(signal)})" if len(signal) > 1 else ""
    sentence = f"An offset of {offset.level_db:.0f} dB{where}" + (
        ": the sound is a constant." if offset.constant else "."
    )
    values = {"level_db": offset.level_db, "channel": offset.channel, "constant": offset.constant}
    return Finding("offset", sentence, values)


def _file_images(images: Images, rate_hz: float) -> Finding | None:
    if images.level_db < IMAGES_DB or images.rejection_db == -math.inf:
        return None
    if images.rejection_db > GOOD_RESAMPLER_DB:
        return image_finding(images.axis_hz, images.level_db, rate_hz, [images.axis_hz])
    sentence = (
        f"Resampled from {2 * images.axis_hz:g} Hz with a good filter: images about "
        f"{images.axis_hz:g} Hz are {-images.rejection_db:.0f} dB below their originals."
    )
    values = {
        "axis_hz": images.axis_hz, "stride": images.stride, "model_rate_hz": 2 * images.axis_hz,
        "rejection_db": images.rejection_db,
    }  # fmt: skip
    return Finding("resampled", sentence, values)


def _file_clicks(train: ClickTrain | None, rate_hz: float) -> Finding | None:
    if train is None:
        return None
    sentence = (
        f"Clicks {every(train.period, rate_hz)}, exact to the sample: {train.count} stand out, "
        f"{train.level_db:.0f} dB over what surrounds them, as at the borders of chunks."
    )
    values = {
        "period_samples": train.period, "first_sample": train.first, "count": train.count,
        "share": train.share, "level_db": train.level_db, "chance": train.chance,
    }  # fmt: skip
    return Finding("clicks", sentence, values)
