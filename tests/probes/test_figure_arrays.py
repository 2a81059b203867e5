"""The arrays behind figures 2 to 8 contain what the paper shows."""

from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.probes import figure_arrays
from upsampling_artifacts.probes.figure_arrays import (
    STACK_ROWS,
    ones_arrays,
    overlap_arrays,
    stack_arrays,
)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("arrays") / "stacks.npz"
    stack_arrays(path)
    assert path.stat().st_size < 2.5e6
    with np.load(path) as arrays:
        return {name: arrays[name].astype(np.float64) for name in arrays}


def level_db(stacks: dict, row: str, layer: int, frequency_hz: float) -> float:
    """Mean over time of the level at one frequency."""
    frequencies_hz = stacks[f"{row}_{layer}_frequencies_hz"]
    levels = stacks[f"{row}_{layer}_db"][np.abs(frequencies_hz - frequency_hz).argmin()]
    return float(10 * np.log10(np.mean(10 ** (levels / 10))))


def test_the_overlap_is_that_of_the_papers_figures_2_to_4(tmp_path: Path) -> None:
    overlap_arrays(tmp_path / "overlap.npz")
    with np.load(tmp_path / "overlap.npz") as arrays:
        np.testing.assert_allclose(arrays["2_output"], [0.2, 0.3, -0.01] * 4)
        assert arrays["3_output"].tolist() == [1, 1, 2, 1, 2, 1, 2, 1, 1]
        assert arrays["4_output"].tolist() == [1, 2, 3, 3, 2, 1]
        for number, stride in ((2, 3), (3, 2), (4, 1)):
            copies = arrays[f"{number}_copies"]
            assert arrays[f"{number}_stride"] == stride
            np.testing.assert_allclose(np.nansum(copies, axis=0), arrays[f"{number}_output"])
            for index, copy in enumerate(copies):
                reached = np.flatnonzero(np.isfinite(copy))
                assert reached.tolist() == [index * stride + k for k in range(3)]
                np.testing.assert_allclose(copy[reached], arrays[f"{number}_filter"])


def test_ones_have_length_minus_stride_boundary_samples_at_each_end(tmp_path: Path) -> None:
    ones_arrays(tmp_path / "ones.npz")
    with np.load(tmp_path / "ones.npz") as arrays:
        assert arrays["lengths"].tolist() == [8, 8, 8, 8]
        assert arrays["strides"].tolist() == [6, 6, 4, 4]
        for case, (length, stride) in enumerate(
            zip(arrays["lengths"], arrays["strides"], strict=True)
        ):
            output, boundary = arrays[f"output_{case}"], arrays[f"boundary_{case}"]
            extra = length - stride
            assert len(output) == 9 * stride + length
            assert boundary.tolist() == [
                sample < extra or sample >= len(output) - extra for sample in range(len(output))
            ]
            steady = output[extra:-extra]
            np.testing.assert_allclose(steady[stride:], steady[:-stride], atol=1e-12)
        assert set(arrays["output_0"]) == {1, 2}
        assert set(arrays["output_2"][4:-4]) == {2}
        assert np.ptp(arrays["output_3"][4:-4]) > 0.01  # random weights, yet periodic


def test_a_seed_reproduces_the_random_filters(tmp_path: Path) -> None:
    outputs = []
    for seed in (0, 0, 1):
        ones_arrays(tmp_path / "ones.npz", seed)
        with np.load(tmp_path / "ones.npz") as arrays:
            outputs.append(arrays["output_1"])
    assert np.array_equal(outputs[0], outputs[1]) and not np.array_equal(outputs[0], outputs[2])


def test_levels_are_re_the_input_maximum_and_each_layer_has_its_own_rate(stacks: dict) -> None:
    assert stacks["rates_hz"].tolist() == [4000, 8000, 16000, 32000]
    for row in STACK_ROWS:
        assert stacks[f"{row}_0_db"].max() == 0
        for layer, rate_hz in enumerate(stacks["rates_hz"]):
            assert stacks[f"{row}_{layer}_frequencies_hz"][-1] == rate_hz / 2
            assert 0 < stacks[f"{row}_{layer}_times_seconds"][-1] < 3


@pytest.mark.parametrize("row", ["subpixel_ones", "transposed_ones"])
def test_tones_are_at_multiples_of_4_khz_and_nowhere_else(stacks: dict, row: str) -> None:
    for layer in (1, 2, 3):
        top_hz = int(stacks["rates_hz"][layer]) // 2
        for frequency_hz in range(4000, top_hz + 1, 4000):
            assert level_db(stacks, row, layer, frequency_hz) > -70
            assert level_db(stacks, row, layer, frequency_hz - 2000) < -130
    assert level_db(stacks, row, 0, 0) == pytest.approx(0, abs=0.01)
    assert level_db(stacks, row, 0, 1000) < -90


@pytest.mark.parametrize("row", ["linear_noise", "linear_alone_noise", "nearest_music"])
def test_valleys_are_at_multiples_of_4_khz(stacks: dict, row: str) -> None:
    for layer in (1, 2, 3):
        top_hz = int(stacks["rates_hz"][layer]) // 2
        for frequency_hz in range(4000, top_hz + 1, 4000):
            depth_db = level_db(stacks, row, layer, frequency_hz - 500) - level_db(
                stacks, row, layer, frequency_hz
            )
            assert depth_db > (4 if row == "nearest_music" else 20), (layer, frequency_hz)


def test_a_tone_keeps_its_frequency_and_nearest_interpolation_its_spectral_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tone(rate_hz: int, channels: int, seconds: float) -> np.ndarray:
        phase = 2 * np.pi * 1000 * np.arange(round(seconds * rate_hz)) / rate_hz
        return np.tile(np.sin(phase).astype(np.float32), (channels, 1))

    monkeypatch.setattr(figure_arrays, "excerpt_music", tone)
    stack_arrays(tmp_path / "stacks.npz")
    with np.load(tmp_path / "stacks.npz") as arrays:
        stacks = {name: arrays[name].astype(np.float64) for name in arrays}
    assert level_db(stacks, "nearest_music", 0, 1000) == pytest.approx(0, abs=0.1)
    assert level_db(stacks, "nearest_music", 0, 900) < -60
    # Nearest x2 adds two neighbors: |cos(pi f / rate)|. The convolution is white on average.
    expected_db = 20 * np.log10(np.cos(np.pi * 3 / 8) / np.cos(np.pi * 1 / 8))
    tone_db, image_db = (level_db(stacks, "nearest_music", 1, hz) for hz in (1000, 3000))
    assert image_db - tone_db == pytest.approx(expected_db, abs=3)
