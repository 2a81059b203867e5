"""Benchmark of loading: equal samples from all readers, consistent rows, memory of the process."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.benchmarks.loading import (
    COLUMNS,
    RATE_HZ,
    SOURCES,
    file_readers,
    measure_loading,
    write_songs,
    write_speeds,
)
from upsampling_artifacts.data.cached_song import FULL_SCALE, read_cache

SAMPLES = 10 * RATE_HZ


def test_all_readers_read_the_same_samples(tmp_path: Path) -> None:
    first, second = (read_cache(path) for path in write_songs(tmp_path, songs=2))
    readers = file_readers(tmp_path)
    for song, stems in enumerate((first.stems, second.stems)):
        expected = stems[..., 2 * SAMPLES : 3 * SAMPLES]
        assert expected.std() > 1000
        segment = (song, 2 * SAMPLES)
        np.testing.assert_array_equal(readers["soundfile"](segment), expected)
        np.testing.assert_array_equal(readers["musdb_wav"](segment) * FULL_SCALE, expected)
    # AAC codes noise only in part; what it keeps is not shifted in time.
    decoded = readers["musdb_mp4"]((0, SAMPLES))
    expected = first.stems[..., SAMPLES : 2 * SAMPLES]
    assert decoded.shape == expected.shape
    for index in range(len(SOURCES)):
        assert np.corrcoef(decoded[index, 0], expected[index, 0])[0, 1] > 0.5


def test_the_tables_have_a_row_per_reader_and_per_memory_measurement(tmp_path: Path) -> None:
    measure_loading(tmp_path / "a.csv", tmp_path / "b.csv", songs=3, repeats=3, memory_segments=160)
    table = pd.read_csv(tmp_path / "a.csv")
    assert list(table.columns) == COLUMNS
    assert list(table["reader"]) == ["cache", "augmented", "soundfile", "musdb_wav", "musdb_mp4"]
    assert (table["segment_seconds"].eq(10) & table["rate_hz"].eq(44100)).all()
    assert table["repeats"].eq(3).all()
    assert (table["low_quartile"] > 0).all()
    assert table["low_quartile"].le(table["segments_per_second"]).all()
    assert table["segments_per_second"].le(table["high_quartile"]).all()
    memory = pd.read_csv(tmp_path / "b.csv")
    assert list(memory["segments"]) == list(range(16, 161, 16))
    assert (memory["anonymous_megabytes"] > 10).all()


def test_speeds_are_medians_and_times_are_relative_to_the_cache(tmp_path: Path) -> None:
    seconds = {"cache": np.array([0.1, 0.2, 0.5]), "slow": np.array([0.3, 0.4, 2.0])}
    write_speeds(tmp_path / "a.csv", seconds)
    cache, slow = pd.read_csv(tmp_path / "a.csv").to_dict("records")
    assert (cache["reader"], slow["reader"]) == ("cache", "slow")
    assert cache["segments_per_second"] == 5 and cache["time_re_cache"] == 1
    assert cache["low_quartile"] == pytest.approx(1 / 0.35, rel=1e-3)
    assert cache["high_quartile"] == pytest.approx(1 / 0.15, rel=1e-3)
    assert slow["segments_per_second"] == 2.5
    assert slow["time_re_cache"] == 3  # the median of 3, 2 and 4: ratios within each repeat


ALLOCATE_THEN_MAP = """
import json, sys
import numpy as np
from upsampling_artifacts.benchmarks.loading import memory_in_use
before = memory_in_use()
allocated = np.ones(5_000_000)
between = memory_in_use()
mapped = np.load(sys.argv[1], mmap_mode="r")
mapped.sum()
print(json.dumps([before, between, memory_in_use()]))
"""


def test_memory_in_use_separates_allocated_from_mapped_memory(tmp_path: Path) -> None:
    path = tmp_path / "mapped.npy"
    np.save(path, np.zeros(5_000_000))
    # In a new process, so that memory of earlier tests is not freed in the meantime.
    command = [sys.executable, "-c", ALLOCATE_THEN_MAP, str(path)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    table = pd.DataFrame(json.loads(result.stdout)).diff()[1:]
    assert table["anonymous_megabytes"].tolist() == pytest.approx([40, 0], abs=4)
    assert table["mapped_megabytes"].tolist() == pytest.approx([0, 40], abs=4)
