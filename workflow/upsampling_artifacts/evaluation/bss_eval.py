"""BSS Eval by museval, which here builds and factorizes its matrices once for all sources.

museval projects the estimate of each source on all references and their delays: least squares,
whose normal equations have the same matrix for every source, the correlations of the references.
museval builds and factorizes it anew for each. With four stereo sources it has 4096 x 4096 entries,
which takes most of museval's time for 30 s of audio at 8 kHz.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
from scipy.fft import irfft, rfft
from scipy.linalg import LinAlgError, LinAlgWarning, cho_factor, cho_solve, lu_factor, lu_solve

Solver = Callable[[np.ndarray], np.ndarray]
"""Maps the right sides of a linear system, ``(n, k)``, to its solutions."""


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

    filters = ProjectionFilters()
    with patch.object(museval.metrics, "_compute_projection_filters", filters):
        return museval.evaluate(references, estimates, win=rate_hz, hop=rate_hz, mode="v4")


class ProjectionFilters:
    """museval's function of that name, which keeps the factors of each matrix.

    An object serves the references of one song.
    """

    def __init__(self) -> None:
        # By the matrix's place in memory. It is kept as well, so that no other takes that place.
        self._solvers: dict[tuple[int, int], tuple[np.ndarray, Solver]] = {}

    def __call__(
        self, correlations: np.ndarray, spectra: np.ndarray, estimate: np.ndarray
    ) -> np.ndarray:
        """Project an estimate on delayed references.

        Args:
            correlations: Inner products of the delayed references, ``(sources, sources, channels,
                channels, delays, delays)``; of one reference, without the first two axes.
            spectra: The references' spectra, ``(sources, channels, frequencies)``; of one, without
                the first axis.
            estimate: ``(time, channels)``.

        Returns:
            The filters of the references whose sum is closest to the estimate, ``(sources,
            channels, delays, channels)``; of one reference, without the first axis.
        """
        is_single = correlations.ndim == 4
        if is_single:
            correlations, spectra = correlations[None, None], spectra[None]
        n_sources, n_channels, n_fft = spectra.shape
        n_delays = correlations.shape[-1]
        half = n_fft // 2 + 1  # all signals are real
        products = spectra[:, :, None, :half] * rfft(estimate.T, n_fft).conj()
        # At index -d, the estimate lags a reference by d samples.
        lags = irfft(products, n_fft)[..., -np.arange(n_delays)]
        right_sides = np.moveaxis(lags, 2, 3).reshape(-1, n_channels)
        filters = self._solver(correlations)(right_sides)
        filters = filters.reshape(n_sources, n_channels, n_delays, n_channels)
        return filters[0] if is_single else filters

    def _solver(self, correlations: np.ndarray) -> Solver:
        key = (correlations.__array_interface__["data"][0], correlations.size)
        if key not in self._solvers:
            self._solvers[key] = correlations, factorize(normal_matrix(correlations))
        return self._solvers[key][1]


def normal_matrix(correlations: np.ndarray) -> np.ndarray:
    """The matrix of the normal equations, with museval's regularization.

    Args:
        correlations: As for :class:`ProjectionFilters`, with all axes.

    Returns:
        ``(n, n)`` with n = sources x channels x delays.
    """
    n_sources, _, n_channels, _, n_delays, _ = correlations.shape
    size = n_sources * n_channels * n_delays
    matrix = np.array(np.moveaxis(correlations, (1, 3), (3, 4)), order="C").reshape(size, size)
    matrix[np.diag_indices(size)] += np.finfo(float).eps
    return matrix


def factorize(matrix: np.ndarray) -> Solver:
    """Factorize a symmetric matrix.

    By Cholesky's method, which takes half the time of museval's LU factorization. Rounding may have
    left the matrix of nearly equal references without its positive eigenvalues: then by LU. For a
    singular matrix, the solution is that of least squares, as museval intends; museval catches the
    error under a name that NumPy 2.4 no longer has.

    Args:
        matrix: ``(n, n)``.

    Example:
        >>> solve = factorize(np.array([[2.0, 1.0], [1.0, 3.0]]))
        >>> solve(np.array([3.0, 4.0])).round(6).tolist()
        [1.0, 1.0]
    """
    try:
        factors = cho_factor(matrix, check_finite=False)
        return lambda right_sides: cho_solve(factors, right_sides, check_finite=False)
    except LinAlgError:
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        try:
            factors = lu_factor(matrix, check_finite=False)
            return lambda right_sides: lu_solve(factors, right_sides, check_finite=False)
        except LinAlgWarning:
            return lambda right_sides: np.linalg.lstsq(matrix, right_sides)[0]
