"""BSS Eval by museval, whose largest matrix is factorized once for all sources.

museval projects the estimate of each source on all references and their delays: least squares,
whose normal equations have the same matrix for every source, the correlations of the references.
``numpy.linalg.solve`` factorizes it anew for each. With four stereo sources it has 4096 x 4096
entries, and its factorizations take more than half of museval's time for 30 s of audio at 8 kHz.
"""

from __future__ import annotations

import warnings
from unittest.mock import patch

import numpy as np
from scipy.linalg import LinAlgWarning, lu_factor, lu_solve


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

    with patch.object(np.linalg, "solve", SolverWithMemory()):
        return museval.evaluate(references, estimates, win=rate_hz, hop=rate_hz, mode="v4")


class SolverWithMemory:
    """``numpy.linalg.solve`` for one matrix, which keeps the factors of the last one.

    Like numpy, it uses LAPACK's LU factorization with partial pivoting (``getrf``, ``getrs``), so
    solutions are equal up to rounding. For a singular matrix it returns the least-squares solution,
    as museval intends: museval catches the error under a name that NumPy 2.4 no longer has.

    Example:
        >>> solve = SolverWithMemory()
        >>> matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
        >>> solve(matrix, np.array([3.0, 4.0])).round(6).tolist()
        [1.0, 1.0]
        >>> solve(matrix, np.array([6.0, 8.0])).round(6).tolist()  # the same factors
        [2.0, 2.0]
    """

    def __init__(self) -> None:
        self._matrix = np.empty((0, 0))
        self._factors: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, matrix: np.ndarray, right_side: np.ndarray) -> np.ndarray:
        """Solve ``matrix @ x = right_side``.

        Args:
            matrix: ``(n, n)``; it must not be changed afterwards.
            right_side: ``(n,)`` or ``(n, k)``.

        Returns:
            ``x``, in the shape of ``right_side``.
        """
        if not np.array_equal(matrix, self._matrix):
            self._matrix, self._factors = matrix, _factorize(matrix)
        if self._factors is None:
            return np.linalg.lstsq(matrix, right_side)[0]
        return lu_solve(self._factors, right_side, check_finite=False)


def _factorize(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """LU factors; None for a singular matrix."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        try:
            return lu_factor(matrix, check_finite=False)
        except LinAlgWarning:
            return None
