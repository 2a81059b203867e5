"""Systems with a block Toeplitz matrix are solved as their dense matrices are."""

import numpy as np
import pytest
from scipy.linalg import LinAlgError, cholesky, toeplitz
from upsampling_artifacts.evaluation import block_toeplitz
from upsampling_artifacts.evaluation.block_toeplitz import cholesky_factor, dense_matrix, factorize

N_BLOCKS, M = 40, 3


def correlations(signals: np.ndarray) -> np.ndarray:
    """The inner products of signals ``(m, time)`` with those that are 0, 1, ... samples later."""
    n = signals.shape[1]
    padded = np.pad(signals, ((0, 0), (0, N_BLOCKS)))
    return np.array([signals @ padded[:, lag : lag + n].T for lag in range(N_BLOCKS)])


@pytest.fixture(params=[0, block_toeplitz.MAX_DENSE_ROWS], ids=["block Schur", "LAPACK"])
def algorithm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_toeplitz, "MAX_DENSE_ROWS", request.param)


@pytest.fixture
def blocks() -> np.ndarray:
    return correlations(np.random.default_rng(0).normal(size=(M, 500)).cumsum(axis=1))


def test_the_matrix_has_the_correlations_of_delayed_signals() -> None:
    signals = np.random.default_rng(1).normal(size=(M, 100))
    delayed = [np.pad(signals, ((0, 0), (d, N_BLOCKS - d))) for d in range(N_BLOCKS)]
    rows = np.concatenate(delayed)
    # Row i, column j: signals delayed by i and j.
    expected = rows @ rows.T
    matrix = dense_matrix(correlations(signals).transpose(0, 2, 1))
    np.testing.assert_allclose(matrix, expected, atol=1e-9)


def test_a_matrix_of_scalars_is_a_toeplitz_matrix() -> None:
    row = np.array([4.0, 2.0, -1.0, 0.5])
    np.testing.assert_array_equal(dense_matrix(row[:, None, None]), toeplitz(row))


def test_the_factor_is_that_of_the_dense_matrix(blocks: np.ndarray) -> None:
    expected = cholesky(dense_matrix(blocks))
    np.testing.assert_allclose(cholesky_factor(blocks), expected, atol=1e-9 * expected.max())


@pytest.mark.parametrize("difference", [1e-3, 1e-6])
def test_nearly_equal_signals_lose_no_digits(difference: float) -> None:
    """The factor is exact to rounding, although the matrix is nearly singular."""
    signals = np.random.default_rng(2).normal(size=(M, 500))
    signals[1] = signals[0] + difference * signals[1]
    matrix = dense_matrix(correlations(signals))
    factor = cholesky_factor(correlations(signals))
    assert np.linalg.cond(matrix) > 1 / difference
    np.testing.assert_allclose(factor.T @ factor, matrix, atol=1e-13 * matrix.max())


@pytest.mark.usefixtures("algorithm")
def test_a_solution_solves_the_system(blocks: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_toeplitz, "_factorize_dense", None)  # needed for singular ones only
    solution = np.random.default_rng(3).normal(size=(N_BLOCKS * M, 2))
    found = factorize(blocks)(dense_matrix(blocks) @ solution)
    np.testing.assert_allclose(found, solution, rtol=1e-6)


@pytest.mark.usefixtures("algorithm")
def test_a_matrix_without_positive_eigenvalues_is_solved_all_the_same() -> None:
    blocks = np.array([[[1.0]], [[2.0]]])
    with pytest.raises(LinAlgError):
        cholesky_factor(blocks)
    solution = np.array([[1.0], [-3.0]])
    found = factorize(blocks)(dense_matrix(blocks) @ solution)
    np.testing.assert_allclose(found, solution, rtol=1e-12)


@pytest.mark.usefixtures("algorithm")
def test_a_singular_matrix_gets_the_least_squares_solution() -> None:
    """As by museval's fallback: two references are one, so each gets half of the estimate."""
    blocks, right_side = np.array([[[4.0, 4.0], [4.0, 4.0]]]), np.array([[4.0], [4.0]])
    with pytest.raises(LinAlgError):
        np.linalg.solve(dense_matrix(blocks), right_side)
    np.testing.assert_allclose(factorize(blocks)(right_side), np.full((2, 1), 0.5))
