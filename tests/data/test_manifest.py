"""The manifest refuses songs that are the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.data.manifest import COLUMNS, write_manifest
from upsampling_artifacts.errors import InputError

CacheSong = Callable[..., Path]


def described(cache_song: CacheSong, name: str, seed: int, n_stems: int = 2) -> str:
    rng = np.random.default_rng(seed)
    mixture = rng.integers(-999, 999, (1, 2, 2000)) / 2**15
    stems = np.concatenate([mixture / n_stems] * n_stems)
    return str(cache_song(name, stems).with_suffix(".json"))


def test_the_manifest_has_a_row_for_each_mixture_and_source(
    cache_song: CacheSong, tmp_path: Path
) -> None:
    names = {"train": "One", "valid": "Two", "test": "Three"}
    songs = {
        split: [described(cache_song, name, seed)]
        for seed, (split, name) in enumerate(names.items())
    }
    write_manifest(songs, tmp_path / "manifest.csv")
    table = pd.read_csv(tmp_path / "manifest.csv")
    assert list(table.columns) == COLUMNS
    assert table["song"].tolist() == ["One"] * 3 + ["Two"] * 3 + ["Three"] * 3
    assert table["split"].unique().tolist() == ["train", "valid", "test"]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_the_same_audio_under_another_name_is_refused(
    cache_song: CacheSong, tmp_path: Path, split: str
) -> None:
    songs = {"train": [described(cache_song, "One", 0)], "valid": [], "test": []}
    songs[split].append(described(cache_song, "Copy", 0, n_stems=1))
    message = rf"^'Copy' \({split}\) has the same audio as 'One' \(train\); .*: \[\"Copy\"\]$"
    with pytest.raises(InputError, match=message):
        write_manifest(songs, tmp_path / "manifest.csv")
    assert not (tmp_path / "manifest.csv").exists()
