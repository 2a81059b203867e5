"""Scores whose matrices are factorized by their structure are those of museval."""

import museval
import numpy as np
import pytest
import soundfile
from upsampling_artifacts.data.cached_song import CachedSong
from upsampling_artifacts.data.synthetic_songs import render_song, song_names
from upsampling_artifacts.evaluation import bss_eval
from upsampling_artifacts.evaluation.baselines import ideal_ratio_mask_separator
from upsampling_artifacts.evaluation.block_toeplitz import Solver
from upsampling_artifacts.evaluation.bss_eval import (
    BLOCK_SAMPLES,
    BLOCKS_AT_ONCE,
    N_KEPT,
    Projector,
    evaluate,
    reference_correlations,
)

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


@pytest.mark.parametrize("difference", [0.0, 1e-8])
def test_scores_with_equal_references_are_musevals(separated, difference: float) -> None:
    """Their matrix is singular, or nearly so: filters differ, but hardly what they project."""
    references, estimates = separated
    twins = references.copy()
    twins[1] = twins[0] + difference * twins[1]
    sdr, isr, *_ = evaluate(twins, estimates, RATE_HZ)
    their_sdr, their_isr, *_ = museval.evaluate(
        twins, estimates, win=RATE_HZ, hop=RATE_HZ, mode="v4"
    )
    np.testing.assert_allclose(sdr, their_sdr, rtol=0, atol=1e-6)
    np.testing.assert_allclose(isr, their_isr, rtol=0, atol=1e-6)


def test_scores_of_mono_signals_in_stereo_are_musevals(separated) -> None:
    """Their matrix is exactly singular, as that of equal references."""
    references, estimates = (np.repeat(signals[..., :1], 2, axis=2) for signals in separated)
    theirs = museval.evaluate(references, estimates, win=RATE_HZ, hop=RATE_HZ, mode="v4")
    np.testing.assert_allclose(evaluate(references, estimates, RATE_HZ), theirs, rtol=0, atol=1e-6)


def test_each_matrix_is_factorized_once(separated, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def factorize(blocks: np.ndarray) -> Solver:
        shapes.append(blocks.shape)
        return original(blocks)

    original = bss_eval.factorize
    monkeypatch.setattr(bss_eval, "factorize", factorize)
    evaluate(*separated, RATE_HZ)
    # 512 delays of two channels: of each reference alone, and of both for both estimates.
    assert sorted(shapes) == [(512, 2, 2), (512, 2, 2), (512, 4, 4)]


@pytest.mark.parametrize("n_samples", [100, 2 * BLOCKS_AT_ONCE * BLOCK_SAMPLES + 1])
def test_correlations_are_sums_over_the_whole_song(n_samples: int) -> None:
    """A song has fewer samples than a block, or more blocks than are taken at once."""
    references = np.random.default_rng(0).normal(size=(1, n_samples, 2))
    by_lag = reference_correlations(references, 64)[0].by_lag[:, 0, :, 0]
    left, right = references[0].T
    for delay in (0, 1, 63):
        signals = left[delay:], right[delay:]
        delayed = left[: n_samples - delay], right[: n_samples - delay]
        expected = [[signal @ other for other in delayed] for signal in signals]
        np.testing.assert_allclose(by_lag[delay], expected, rtol=0, atol=1e-8 * n_samples)


def test_spectra_of_one_frame_are_not_taken_for_those_of_another() -> None:
    """Arrays of temporary frames follow each other in the same place in memory."""
    random, projector = np.random.default_rng(0), Projector()
    filters = random.normal(size=(1, 2, 8, 2))
    for _ in range(3 * N_KEPT):
        references = random.normal(size=(1, 50, 2))
        np.testing.assert_allclose(
            projector(references, filters), museval.metrics._project(references, filters)
        )


def test_museval_is_as_before_even_after_an_error(separated) -> None:
    theirs = vars(museval.metrics).copy()
    with pytest.raises(ValueError, match="shape"):
        evaluate(separated[0], separated[1][:, :-1, :1], RATE_HZ)
    assert vars(museval.metrics) == theirs
