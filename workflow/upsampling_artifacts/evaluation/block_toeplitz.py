"""Solve linear systems with a symmetric block Toeplitz matrix, such as the correlations of signals.

Such a matrix repeats along its diagonals: the block in row ``i`` and column ``j >= i`` is number
``j - i`` of the first row. The block Schur algorithm finds its Cholesky factor in order n^2
operations, not n^3 (Kailath and Sayed, "Displacement structure: theory and applications", SIAM
Review 37, 1995): for n = 4096 in a fifth of the time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy.linalg import (
    LinAlgError,
    LinAlgWarning,
    cho_solve,
    cholesky,
    lu_factor,
    lu_solve,
    solve_triangular,
)

Solver = Callable[[np.ndarray], np.ndarray]
"""Maps the right sides of a linear system, ``(n, k)``, to its solutions."""

MAX_DENSE_ROWS = 1024
"""Up to this size, LAPACK's algorithm for any matrix is faster."""


def factorize(blocks: np.ndarray) -> Solver:
    """Factorize a symmetric block Toeplitz matrix.

    Rounding may have left a nearly singular matrix without its positive eigenvalues: then it is
    solved as a dense one. The solution of a singular system, such as the correlations of mono
    signals in stereo, is that of least squares.

    Args:
        blocks: The first row of blocks, ``(blocks, m, m)``.

    Returns:
        The solver of the matrix with ``blocks * m`` rows.

    Example:
        >>> solve = factorize(np.array([[[2.0]], [[1.0]]]))  # of [[2, 1], [1, 2]]
        >>> solve(np.array([[3.0], [3.0]])).round(6).tolist()
        [[1.0], [1.0]]
    """
    n_blocks, m, _ = blocks.shape
    try:
        if n_blocks * m > MAX_DENSE_ROWS:
            factor = cholesky_factor(blocks)
        else:
            factor = cholesky(dense_matrix(blocks), check_finite=False)
    except LinAlgError:
        return _factorize_dense(dense_matrix(blocks))
    # Transposed, its memory is in LAPACK's order: no copy for each solution.
    return lambda right_sides: cho_solve((factor.T, True), right_sides, check_finite=False)


def cholesky_factor(blocks: np.ndarray) -> np.ndarray:
    """Find the upper triangular R with R'R = T by the block Schur algorithm.

    With Z, which shifts down by a block, T - ZTZ' has rank 2m: it is G'JG, where J is diagonal with
    m ones and m minus ones, and G has the first row of R as its upper half and the same without
    its first block as its lower half. A step shifts the upper half to the right, and multiplies G
    by a matrix that leaves G'JG as it is and makes the first block of the lower half zero. Then the
    upper half is the next row of R. With the first blocks A (upper) and B (lower), K = B inv(A):

        upper' = inv(C) (upper - K' lower),              C C' = I - K'K,
        lower' = inv(D) (lower - K upper)
               = D' lower - inv(D) K C upper',           D D' = I - KK'.

    The last form, which uses the new upper half, is the stable one, as in downdating a Cholesky
    factor.

    Args:
        blocks: ``(blocks, m, m)``.

    Returns:
        ``(blocks * m, blocks * m)``.

    Raises:
        LinAlgError: The matrix is not positive definite, or nearly so.
    """
    n_blocks, m, _ = blocks.shape
    factor = np.zeros((n_blocks * m, n_blocks * m))
    first_row = blocks.transpose(1, 0, 2).reshape(m, -1)
    upper = _solve_lower(cholesky(blocks[0], lower=True), first_row)
    lower = upper.copy()
    factor[:m] = upper
    for start in range(m, n_blocks * m, m):
        upper, lower = upper[:, :-m], lower[:, m:]
        ratio = solve_triangular(upper[:, :m].T, lower[:, :m].T, lower=True).T
        c = cholesky(np.eye(m) - ratio.T @ ratio, lower=True)
        d = cholesky(np.eye(m) - ratio @ ratio.T, lower=True)
        upper = _solve_lower(c, upper - ratio.T @ lower)
        lower = d.T @ lower - _solve_lower(d, ratio @ c) @ upper
        factor[start : start + m, start:] = upper
    return factor


def dense_matrix(blocks: np.ndarray) -> np.ndarray:
    """Write out the matrix.

    Args:
        blocks: ``(blocks, m, m)``.

    Returns:
        ``(blocks * m, blocks * m)``.

    Example:
        >>> dense_matrix(np.array([[[2.0]], [[1.0]]])).tolist()
        [[2.0, 1.0], [1.0, 2.0]]
    """
    n_blocks, m, _ = blocks.shape
    diagonals = np.concatenate([blocks[:0:-1].transpose(0, 2, 1), blocks])
    numbers = np.arange(n_blocks)
    rows = diagonals[numbers - numbers[:, None] + n_blocks - 1]
    return rows.transpose(0, 2, 1, 3).reshape(n_blocks * m, n_blocks * m)


def _factorize_dense(matrix: np.ndarray) -> Solver:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        try:
            factors = lu_factor(matrix, check_finite=False)
            return lambda right_sides: lu_solve(factors, right_sides, check_finite=False)
        except LinAlgWarning:
            pass
    # A singular value decomposition would take minutes. This much on the diagonal, what NumPy takes
    # for zero in one, leads to the same solution, the shortest.
    n = len(matrix)
    matrix = matrix + n * np.finfo(float).eps * matrix.diagonal().max() * np.eye(n)
    factor = cholesky(matrix, check_finite=False)
    return lambda right_sides: cho_solve((factor, False), right_sides, check_finite=False)


def _solve_lower(matrix: np.ndarray, right_sides: np.ndarray) -> np.ndarray:
    return solve_triangular(matrix, right_sides, lower=True, check_finite=False)
