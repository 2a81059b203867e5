"""The table of measures keeps its rows, including infinite and missing values."""

from pathlib import Path

import numpy as np
import pandas as pd
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    MEASURES_COLUMNS,
    gather_measures,
    label_measures,
    write_measures,
)


def some_measures() -> pd.DataFrame:
    rows = [
        ("silence", "output", "line_level", 5512.5, -np.inf, "dB"),
        ("silence", "output", "line_prominence", 5512.5, np.nan, "dB"),
        ("noise", "encoder.0", "offset_level", np.nan, 1 / 3, "dB"),
        ("noise", "output", "zero_insertion_error", np.nan, 1.25e-16, "1"),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_measures_are_labeled_with_model_seed_and_stage() -> None:
    table = label_measures(some_measures(), "net", 12, "trained")
    assert list(table.columns) == MEASURES_COLUMNS
    assert (table["model"] == "net").all() and (table["seed"] == 12).all()
    assert (table["stage"] == "trained").all()
    pd.testing.assert_frame_equal(table[COLUMNS], some_measures())


def test_tables_are_written_in_order(tmp_path: Path) -> None:
    tables = [label_measures(some_measures(), "net", seed, "initialization") for seed in (3, 1)]
    write_measures(tables, tmp_path / "new" / "measures.csv")
    table = pd.read_csv(tmp_path / "new" / "measures.csv")
    assert list(table.columns) == MEASURES_COLUMNS
    assert table["seed"].tolist() == [3] * 4 + [1] * 4
    assert table["value"][:2].tolist()[0] == -np.inf and np.isnan(table["value"][1])
    np.testing.assert_allclose(table["value"][2:4], [1 / 3, 1.25e-16], rtol=1e-5)
    assert table["frequency_hz"][:2].tolist() == [5512.5, 5512.5]
    assert table["frequency_hz"][2:4].isna().all()


def test_gathering_concatenates_files_line_by_line(tmp_path: Path) -> None:
    paths = []
    for name in ("b", "a"):
        paths.append(tmp_path / f"{name}.csv")
        write_measures([label_measures(some_measures(), name, 0, "initialization")], paths[-1])
    gather_measures(paths, tmp_path / "measures.csv")
    gathered = (tmp_path / "measures.csv").read_text().splitlines()
    each = [path.read_text().splitlines() for path in paths]
    assert gathered == [each[0][0], *each[0][1:], *each[1][1:]]
