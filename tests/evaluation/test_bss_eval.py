"""Scores with one factorization per matrix are those of museval."""

import museval
import numpy as np
import pytest
import soundfile
from upsampling_artifacts.data.cached_song import CachedSong
from upsampling_artifacts.data.synthetic_songs import render_song, song_names
from upsampling_artifacts.evaluation import bss_eval
from upsampling_artifacts.evaluation.baselines import ideal_ratio_mask_separator
from upsampling_artifacts.evaluation.bss_eval import evaluate, factorize

RATE_HZ = 16000
SECONDS = 4
SOURCES = ("drums", "vocals")
SILENT_FRAME = 1


@pytest.fixture(scope="module")
def separated(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Return the sources of a song and their estimates by an ideal ratio mask; one is silent."""
    folder = tmp_path_factory.mktemp("song")
    render_song(song_names(1, 0, 0)["train"][0], folder / "song", 0, SECONDS, RATE_HZ)
    stems = np.array(
        [soundfile.read(folder / f"song/{name}.wav", dtype="int16")[0].T for name in SOURCES]
    )
    song = CachedSong("song", RATE_HZ, SOURCES, 1.0, stems.sum(axis=0, dtype=np.int16), stems)
    estimates = ideal_ratio_mask_separator(song)
    estimates[1, :, SILENT_FRAME * RATE_HZ : (SILENT_FRAME + 1) * RATE_HZ] = 0
    return stems.swapaxes(1, 2) / 2**15, estimates.swapaxes(1, 2).astype(np.float64)


def test_scores_are_musevals_to_a_millionth_of_a_decibel(separated) -> None:
    theirs = museval.evaluate(*separated, win=RATE_HZ, hop=RATE_HZ, mode="v4")
    ours = evaluate(*separated, RATE_HZ)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    scored = np.isfinite(ours).all(axis=(0, 1))
    assert scored.tolist() == [frame != SILENT_FRAME for frame in range(SECONDS)]


def test_each_matrix_is_factorized_once(separated, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def factorize(matrix: np.ndarray) -> bss_eval.Solver:
        sizes.append(len(matrix))
        return original(matrix)

    original = bss_eval.factorize
    monkeypatch.setattr(bss_eval, "factorize", factorize)
    evaluate(*separated, RATE_HZ)
    # 512 delays of two channels: of each reference alone, and of both for both estimates.
    assert sorted(sizes) == [1024, 1024, 2048]


def test_a_matrix_without_positive_eigenvalues_is_solved_all_the_same() -> None:
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]])
    solution = np.array([[1.0], [-3.0]])
    np.testing.assert_allclose(factorize(matrix)(matrix @ solution), solution, rtol=1e-12)


def test_a_singular_matrix_gets_the_least_squares_solution() -> None:
    """As by museval's fallback: two references are one, so each gets half of the estimate."""
    matrix, right_side = np.array([[4.0, 4.0], [4.0, 4.0]]), np.array([[4.0], [4.0]])
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.solve(matrix, right_side)
    np.testing.assert_allclose(factorize(matrix)(right_side), np.full((2, 1), 0.5))


def test_museval_is_as_before_even_after_an_error(separated) -> None:
    theirs = museval.metrics._compute_projection_filters
    with pytest.raises(ValueError, match="shape"):
        evaluate(separated[0], separated[1][:, :-1, :1], RATE_HZ)
    assert museval.metrics._compute_projection_filters is theirs
