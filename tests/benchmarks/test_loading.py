"""The loading benchmark: it runs, and its row adds up."""

from pathlib import Path

import pandas as pd
from upsampling_artifacts.benchmarks.loading import COLUMNS, measure_loading


def test_the_speed_is_measured_with_its_spread(tmp_path: Path) -> None:
    path = tmp_path / "loading.csv"
    measure_loading(path, songs=4, song_seconds=13.0, repeats=3)
    table = pd.read_csv(path)
    assert list(table.columns) == COLUMNS
    (row,) = table.to_dict("records")
    assert (row["segment_seconds"], row["rate_hz"], row["repeats"]) == (10, 44100, 3)
    assert 0 < row["low_quartile"] <= row["segments_per_second"] <= row["high_quartile"]
