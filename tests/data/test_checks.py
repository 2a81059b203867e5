"""Levels, residuals, silence and checksums against known values."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from museval.metrics import bss_eval
from upsampling_artifacts.data import checks

RATE_HZ = 500


def test_levels_are_re_full_scale() -> None:
    square = np.ones((2, 1000))
    square[:, ::2] = -1
    assert checks.level_db(square) == 0
    sine = np.sin(2 * np.pi * np.arange(1000) / 100)
    assert checks.level_db(sine[None] / 10) == pytest.approx(-23.01, abs=0.01)
    assert checks.level_db(np.zeros((2, 10))) == -np.inf


def test_the_residual_is_relative_to_the_mixture() -> None:
    rng = np.random.default_rng(0)
    stems = rng.normal(size=(3, 2, 20000)) * 0.1
    mixture = stems.sum(axis=0)
    assert checks.residual_db(mixture, stems[:2]) == pytest.approx(-4.77, abs=0.05)  # a third
    assert checks.residual_db(stems[0], stems[:1]) == -np.inf
    assert np.isnan(checks.residual_db(np.zeros((2, 10)), []))


def test_samples_at_the_limits_of_16_bits_count_as_full_scale() -> None:
    samples = np.array([-32768, -32767, 0, 32766, 32767]) / 2**15
    assert checks.full_scale_samples(np.stack([samples, samples]).astype(np.float32)) == 4


@pytest.mark.parametrize("seconds", [5.0, 5.9, 0.5])
def test_silent_seconds_are_the_frames_that_museval_skips(seconds: float) -> None:
    rng = np.random.default_rng(0)
    references = rng.integers(-9000, 9000, (2, 2, round(seconds * RATE_HZ))).astype(np.int16)
    references[0, :, RATE_HZ : 3 * RATE_HZ] = 0  # two frames
    # All of a frame but its first sample, and an incomplete frame: neither counts.
    references[0, :, 4 * RATE_HZ + 1 :] = 0
    references[1, 1, 3 * RATE_HZ : 4 * RATE_HZ] = -references[1, 0, 3 * RATE_HZ : 4 * RATE_HZ]
    silent = [checks.silent_seconds(stem, RATE_HZ) for stem in references]
    assert silent == ([2, 1] if seconds > 1 else [0, 0])
    audio = references.transpose(0, 2, 1) / 2**15
    estimates = audio + 0.1 * rng.normal(size=audio.shape)
    sdr, *_ = bss_eval(audio, estimates, window=RATE_HZ, hop=RATE_HZ, filters_len=8)
    assert np.isnan(sdr[0]).sum() == sum(silent)


def test_the_checksum_of_several_files_is_that_of_their_concatenation(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"two" * 10**6)):
        (tmp_path / name).write_bytes(content)
    assert checks.sha256([tmp_path / "a"]) == hashlib.sha256(b"one").hexdigest()
    both = hashlib.sha256(b"one" + b"two" * 10**6).hexdigest()
    assert checks.sha256([tmp_path / "a", tmp_path / "b"]) == both
