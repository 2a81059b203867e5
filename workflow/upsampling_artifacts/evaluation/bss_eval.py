"""BSS Eval by museval, which here computes nothing twice, and uses the structure of its matrices.

museval projects the estimate of each source on all references and their delays, by least squares.
The normal equations have the same matrix for every source, the correlations of the references, with
4096 x 4096 entries for four stereo sources. museval writes it out and factorizes it for each source
anew. But only 512 blocks of 8 x 8 are distinct (:mod:`evaluation.block_toeplitz`). In each frame,
museval transforms the same references and filters for every pair of channels; once is enough.

The metrics and their frames are museval's. Three of its functions are replaced while it evaluates;
the scores stay equal to a millionth of a decibel (tests/evaluation/test_bss_eval.py).
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from unittest.mock import patch

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from upsampling_artifacts.evaluation.block_toeplitz import Solver, factorize

N_KEPT = 16
"""Spectra that a frame of four sources uses: of 5 references and 8 filters."""

BLOCK_SAMPLES, BLOCKS_AT_ONCE = 8192, 32
"""Signals are correlated in blocks, of many times as many samples as there are delays."""


def evaluate(references: np.ndarray, estimates: np.ndarray, rate_hz: int) -> tuple[np.ndarray, ...]:
    """Evaluate estimates with ``museval.evaluate`` (BSS Eval v4), in frames of one second.

    Args:
        references: ``(sources, time, channels)``.
        estimates: ``(sources, time, channels)``.
        rate_hz: Sampling rate.

    Returns:
        SDR, ISR, SIR and SAR in dB, each ``(sources, frames)``; NaN in frames in which a reference
        or an estimate is silent.
    """
    import museval  # raises at import if there is no ffmpeg

    with patch.multiple(
        museval.metrics,
        _compute_reference_correlations=reference_correlations,
        _compute_projection_filters=projection_filters,
        _project=Projector(),
    ):
        return museval.evaluate(references, estimates, win=rate_hz, hop=rate_hz, mode="v4")


class Correlations:
    """The inner products of references and their delays.

    Args:
        by_lag: ``(delays, sources, channels, sources, channels)``: at index d, the products of a
            reference, and another one that is d samples later.
    """

    def __init__(self, by_lag: np.ndarray):
        self.by_lag = by_lag

    def __getitem__(self, pair: tuple[int, int]) -> Correlations:
        """Those of a reference with itself, which museval asks for as ``[source, source]``."""
        source, _ = pair
        return Correlations(self.by_lag[:, [source]][:, :, :, [source]])

    @cached_property
    def solve(self) -> Solver:
        """The solver of the normal equations, with museval's regularization."""
        n_delays, n_sources, n_channels, *_ = self.by_lag.shape
        n_signals = n_sources * n_channels
        blocks = self.by_lag.reshape(n_delays, n_signals, n_signals).copy()
        blocks[0] += np.finfo(float).eps * np.eye(n_signals)
        return factorize(blocks)


def reference_correlations(
    references: np.ndarray, n_delays: int
) -> tuple[Correlations, np.ndarray]:
    """Correlate the references; stands for museval's ``_compute_reference_correlations``.

    Args:
        references: ``(sources, time, channels)``.
        n_delays: Number of delays.

    Returns:
        Their correlations; and the spectra of their blocks (:func:`block_spectra`), ``(sources,
        channels, blocks, frequencies)``.
    """
    n_sources, _, n_channels = references.shape
    blocks = overlapping_blocks(np.moveaxis(references, 1, 2), n_delays)
    spectra = block_spectra(blocks, n_delays)
    by_lag = correlate(spectra, blocks, n_delays).swapaxes(1, 2)
    shape = (n_sources, n_channels)
    return (
        Correlations(by_lag.reshape(n_delays, *shape, *shape)),
        spectra.reshape(*shape, *spectra.shape[1:]),
    )


def projection_filters(
    correlations: Correlations, spectra: np.ndarray, estimate: np.ndarray
) -> np.ndarray:
    """Project an estimate on references; stands for museval's ``_compute_projection_filters``.

    Args:
        correlations: Of the references.
        spectra: The spectra of the references' blocks, ``(sources, channels, blocks,
            frequencies)``; of one reference, without the first axis.
        estimate: ``(time, channels)``.

    Returns:
        The filters of the references whose sum is closest to the estimate, ``(sources, channels,
        delays, channels)``; of one reference, without the first axis.
    """
    n_delays, n_sources, n_channels, *_ = correlations.by_lag.shape
    signals = spectra.reshape(n_sources * n_channels, *spectra.shape[-2:])
    blocks = overlapping_blocks(estimate.T, n_delays)
    right_sides = correlate(signals, blocks, n_delays).reshape(-1, len(blocks))
    solution = correlations.solve(right_sides).reshape(n_delays, n_sources, n_channels, -1)
    filters = solution.transpose(1, 2, 0, 3)
    return filters if spectra.ndim == 4 else filters[0]


def overlapping_blocks(signals: np.ndarray, n_delays: int) -> np.ndarray:
    """Cut signals into blocks, of which each shares ``n_delays - 1`` samples with the next.

    Args:
        signals: ``(..., time)``.
        n_delays: Number of delays for which the signals are correlated.

    Returns:
        ``(signals, blocks, BLOCK_SAMPLES)``, with zeros behind the signals.
    """
    hop, time = BLOCK_SAMPLES - n_delays + 1, signals.shape[-1]
    padded = np.zeros((*signals.shape[:-1], -(-time // hop) * hop + n_delays - 1))
    padded[..., :time] = signals
    padded = padded.reshape(-1, padded.shape[-1])
    return np.lib.stride_tricks.sliding_window_view(padded, BLOCK_SAMPLES, axis=-1)[:, ::hop]


def block_spectra(blocks: np.ndarray, n_delays: int) -> np.ndarray:
    """The spectra of blocks, without the samples that they share with the next.

    Args:
        blocks: :func:`overlapping_blocks`.
        n_delays: Number of delays.

    Returns:
        ``(signals, blocks, frequencies)``.
    """
    spectra = np.empty((*blocks.shape[:2], BLOCK_SAMPLES // 2 + 1), complex)
    for signal, its_blocks in enumerate(blocks):  # one by one: these are whole songs
        spectra[signal] = rfft(its_blocks[:, : BLOCK_SAMPLES - n_delays + 1], BLOCK_SAMPLES)
    return spectra


def correlate(spectra: np.ndarray, blocks: np.ndarray, n_delays: int) -> np.ndarray:
    """Correlate signals for a few delays.

    The products of whole signals are the sums of those of their blocks. A transform of whole
    signals would find them for all delays, in many times the time.

    Args:
        spectra: :func:`block_spectra` of signals, ``(signals, blocks, frequencies)``.
        blocks: :func:`overlapping_blocks` of other signals.
        n_delays: Number of delays.

    Returns:
        ``(delays, signals, other signals)``: at index d, the products of a signal, and another one
        that is d samples later.
    """
    products = np.zeros((spectra.shape[-1], len(spectra), len(blocks)), complex)
    for start in range(0, spectra.shape[1], BLOCKS_AT_ONCE):
        some = slice(start, start + BLOCKS_AT_ONCE)
        products += np.einsum("ikf,jkf->fij", spectra[:, some].conj(), rfft(blocks[:, some]))
    return irfft(products, BLOCK_SAMPLES, axis=0)[:n_delays]


class Projector:
    """Sums filtered references; stands for museval's ``_project``."""

    def __init__(self) -> None:
        # By place in memory and shape. The arrays are kept as well, so that no others take their
        # places.
        self._spectra: OrderedDict[object, tuple[np.ndarray, np.ndarray]] = OrderedDict()

    def __call__(self, references: np.ndarray, filters: np.ndarray) -> np.ndarray:
        """Filter a frame of the references, and sum.

        Args:
            references: ``(sources, time, channels)``; one without the first axis.
            filters: ``(sources, channels, delays, channels)``; of one without the first axis.

        Returns:
            ``(time + delays - 1, channels)``.
        """
        n_samples = references.shape[-2] + filters.shape[-2] - 1
        n_fft = next_fast_len(n_samples, real=True)
        # (sources x channels, frequencies), and the filters' with channels of the output behind.
        inputs = self._spectrum(references, n_fft).reshape(-1, n_fft // 2 + 1)
        responses = self._spectrum(filters, n_fft)
        responses = responses.reshape(len(inputs), *responses.shape[-2:])
        outputs = np.einsum("if,iof->of", inputs, responses)
        return irfft(outputs, n_fft)[:, :n_samples].T

    def _spectrum(self, signals: np.ndarray, n_fft: int) -> np.ndarray:
        """The spectra along the last axis but one, which becomes the last."""
        key = (signals.__array_interface__["data"][0], signals.shape, n_fft)
        if key not in self._spectra:
            self._spectra[key] = signals, rfft(signals.swapaxes(-1, -2), n_fft)
            if len(self._spectra) > N_KEPT:
                self._spectra.popitem(last=False)
        self._spectra.move_to_end(key)
        return self._spectra[key][1]
