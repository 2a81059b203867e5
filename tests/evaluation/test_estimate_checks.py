"""Faulty estimates are found, and bad ones are not mistaken for them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.musdb18 import Recording
from upsampling_artifacts.evaluation.baselines import ideal_ratio_mask_separator, mixture_separator
from upsampling_artifacts.evaluation.estimate_checks import (
    EXACT_DB,
    suspicion,
    why_not_scored,
)
from upsampling_artifacts.evaluation.scoring import read_frames, score_song, write_scores
from upsampling_artifacts.evaluation.sdr import read_scores, sdr_by_run

RATE_HZ, SECONDS = 2000, 3
SOURCES = ("drums", "bass")
NAMES = ["Faulty", "Fine"]

Damage = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def references() -> np.ndarray:
    """Two noises, each in its band, ``(sources, time, channels)``."""
    spectra = np.fft.rfft(
        np.random.default_rng(0).standard_normal((2, SECONDS * RATE_HZ, 2)), axis=1
    )
    n_bins = spectra.shape[1]
    for source in range(2):
        bins = np.arange(n_bins) * 3 // n_bins
        spectra[source, bins != source] *= 0.05
    return 0.1 * np.fft.irfft(spectra, axis=1)


def noisy(references: np.ndarray, level_db: float) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(references.shape)
    return references + 10 ** (level_db / 20) * references.std() * noise


def not_a_number(estimates: np.ndarray) -> np.ndarray:
    estimates[1, 1500, 1] = np.nan
    return estimates


def infinite(estimates: np.ndarray) -> np.ndarray:
    estimates[1, 1500, 0] = -np.inf
    return estimates


def silent(estimates: np.ndarray) -> np.ndarray:
    estimates[1] = 0
    return estimates


def opposite_channels(estimates: np.ndarray) -> np.ndarray:
    estimates[1, :, 1] = -estimates[1, :, 0]
    return estimates


FAULTS = {
    not_a_number: "the estimate of bass is infinite or not a number at 0.750 s",
    infinite: "the estimate of bass is infinite or not a number at 0.750 s",
    silent: "the estimate of bass is silent",
    opposite_channels: "the estimate of bass is silent",
}


@pytest.mark.parametrize("damage", FAULTS)
def test_what_museval_cannot_score_is_named(references: np.ndarray, damage: Damage) -> None:
    assert why_not_scored(noisy(references, -10), SOURCES, RATE_HZ) == ""
    assert why_not_scored(damage(references.copy()), SOURCES, RATE_HZ) == FAULTS[damage]


@pytest.mark.parametrize("level_db", [-30, -10, -3])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[::-1], "exchanged: drums holds bass, bass holds drums"),
        (lambda x: -0.1 * x[::-1], "exchanged: drums holds bass, bass holds drums"),
        (lambda x: np.roll(x, 1, axis=1), "1 sample late"),
        (lambda x: np.roll(x, -1, axis=1), "1 sample early"),
        (lambda x: np.roll(x, 40, axis=1), "40 samples late"),
        (lambda x: x, ""),
        (lambda x: 0.1 * x, ""),
    ],
)
def test_exchanged_sources_and_delays_are_told_from_bad_estimates(
    references: np.ndarray, level_db: float, change: Damage, message: str
) -> None:
    found = suspicion(change(noisy(references, level_db)), references, SOURCES, RATE_HZ)
    assert (message in found) if message else not found


@pytest.mark.parametrize("seed", range(5))
def test_noise_the_mixture_and_leakage_are_merely_bad(references: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixture = np.repeat(references.sum(axis=0, keepdims=True), 2, axis=0)
    leaking = np.einsum("ij,jtc->itc", np.eye(2) + 0.5 * rng.random((2, 2)), references)
    smooth = np.apply_along_axis(np.convolve, 1, references, [0.3, 1, 0.3], "same")
    for estimates in (rng.standard_normal(references.shape), mixture / 2, leaking, smooth):
        assert suspicion(estimates, references, SOURCES, RATE_HZ) == ""


@pytest.mark.parametrize("mixed", [0, 1])
def test_only_one_estimate_in_the_place_of_another_is_no_exchange(
    references: np.ndarray, mixed: int
) -> None:
    """One estimate is the other source; the other is the mixture, as good for either source."""
    estimates = np.empty_like(references)
    estimates[mixed] = references.sum(axis=0)
    estimates[1 - mixed] = references[mixed]
    assert "exchanged" not in suspicion(estimates, references, SOURCES, RATE_HZ)


@pytest.fixture(scope="module")
def songs(references: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two cached songs with the same audio."""
    folder = tmp_path_factory.mktemp("cache")
    stems = references.transpose(0, 2, 1)
    audio = np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32)
    for name in NAMES:
        write_cache(Recording(name, SOURCES, audio, RATE_HZ), folder / f"{name}.npy", RATE_HZ)
    return [folder / f"{name}.npy" for name in NAMES]


def score(songs: list[Path], root: Path, system: str, seed: int, damage: Damage | None) -> Path:
    """Score estimates with noise at -10 dB; ``damage`` is done to those of the first song."""
    folder = root / system / f"seed-{seed}" / "scores"
    for name, song in zip(NAMES, songs, strict=True):
        fine = songs[0].with_name("Fine.scores")
        if name == "Fine" and fine.exists():
            shutil.copy(fine, folder / "test" / "Fine.json")
            continue
        estimates = noisy(read_cache(song).stems.transpose(0, 2, 1) / 2**15, -10)
        if damage is not None and name == "Faulty":
            estimates = damage(estimates)
        target = root / system / str(seed) / name
        target.mkdir(parents=True)
        for source, estimate in zip(SOURCES, estimates, strict=True):
            soundfile.write(target / f"{source}.wav", estimate, RATE_HZ, subtype="FLOAT")
        score_song(song, target, folder / "test" / f"{name}.json")
        if name == "Fine":
            shutil.copy(folder / "test" / "Fine.json", fine)
    return folder


@pytest.fixture(scope="module")
def good(songs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("good")
    return [score(songs, root, "good", 0, None)]


def mostly_silent(estimates: np.ndarray) -> np.ndarray:
    estimates[1, RATE_HZ:] = 0
    return estimates


@pytest.mark.parametrize("damage", [*FAULTS, mostly_silent])
def test_a_faulty_estimate_costs_its_own_run_its_scores_and_no_other(
    songs: list[Path], good: list[Path], tmp_path: Path, damage: Damage
) -> None:
    faulty = score(songs, tmp_path, "faulty", 0, damage)
    tables = {}
    for name, folders in {"without": good, "with": [*good, faulty]}.items():
        write_scores(folders, tmp_path / f"{name}.csv", common=True)
        tables[name] = read_scores(tmp_path / f"{name}.csv")
    of_good = tables["with"][tables["with"]["system"] == "good"].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_good.astype({"remark": float}), tables["without"])
    assert of_good["value_db"].notna().all()

    of_faulty = tables["with"][tables["with"]["system"] == "faulty"].set_index("song")
    assert of_faulty.loc["Faulty", "value_db"].isna().all()
    assert of_faulty.loc["Fine", "value_db"].notna().all()
    (remark,) = of_faulty.loc["Faulty", "remark"].unique()
    expected = FAULTS.get(damage, "an estimate is silent in more than half of the frames")
    assert remark == f"not scored: {expected}"
    assert of_faulty.loc["Fine", "remark"].isna().all()
    # Its median would be over other songs than theirs.
    sdr = sdr_by_run(tables["with"], NAMES).set_index("system")["sdr_db"]
    assert np.isnan(sdr["faulty"])
    assert np.isfinite(sdr["good"])


def test_a_silent_frame_costs_all_runs_the_frame(
    songs: list[Path], good: list[Path], tmp_path: Path
) -> None:
    def silent_frame(estimates: np.ndarray) -> np.ndarray:
        estimates[1, :RATE_HZ] = 0
        return estimates

    folders = [*good, score(songs, tmp_path, "quiet", 0, silent_frame)]
    write_scores(folders, tmp_path / "scores.csv", common=True)
    scores = read_scores(tmp_path / "scores.csv")
    assert (scores.loc[scores["song"] == "Faulty", "n_frames_scored"] == SECONDS - 1).all()
    assert scores["remark"].isna().all()


def test_estimates_equal_to_the_references_are_scored(songs: list[Path], tmp_path: Path) -> None:
    def exact(_: np.ndarray) -> np.ndarray:
        return read_cache(songs[0]).stems.transpose(0, 2, 1) / 2**15

    frames = read_frames([score(songs, tmp_path, "exact", 0, exact)])
    sdr = frames[(frames["metric"] == "SDR") & (frames["song"] == "Faulty")]["value_db"]
    assert (sdr == EXACT_DB).all()
    assert frames["value_db"].notna().all()


def test_a_suspicion_is_a_remark_beside_the_scores(songs: list[Path], tmp_path: Path) -> None:
    folder = score(songs, tmp_path, "swapped", 0, lambda estimates: estimates[::-1])
    write_scores([folder], tmp_path / "scores.csv")
    scores = read_scores(tmp_path / "scores.csv")
    assert scores["value_db"].notna().all()
    assert scores.dropna(subset="remark")["song"].unique().tolist() == ["Faulty"]
    assert scores["remark"].dropna().str.startswith("estimates look exchanged").all()


def test_baselines_are_not_suspected(songs: list[Path]) -> None:
    song = read_cache(songs[0])
    references = song.stems.transpose(0, 2, 1) / 2**15
    for separate in (mixture_separator, ideal_ratio_mask_separator):
        assert suspicion(separate(song).transpose(0, 2, 1), references, SOURCES, RATE_HZ) == ""
