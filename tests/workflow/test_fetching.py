"""A published data set is named in config, then fetched once and shared by experiments."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ..clone import TINY, Clone
from ..data.file_server import FileServer, file_server

pytestmark = pytest.mark.skipif(
    shutil.which("wget") is None, reason="downloads are NOT TESTED: wget is not on PATH"
)

SPLIT_OF = {"One": "train", "Two": "train", "Three": "valid", "Four": "test"}
FOLDER = "results/datasets/published"


def write_songs(root: Path, *names: str) -> None:
    """Four seconds of noise each, in folders of wav files."""
    rng = np.random.default_rng(0)
    for name in names:
        folder = root / ("test" if SPLIT_OF[name] == "test" else "train") / name
        folder.mkdir(parents=True)
        stems = rng.normal(scale=0.05, size=(4, 4 * 8000, 2))
        for stem, audio in zip(
            ("mixture", "drums", "bass", "other", "vocals"),
            [stems.sum(axis=0), *stems],
            strict=True,
        ):
            soundfile.write(folder / f"{stem}.wav", audio, 8000, subtype="PCM_16")


def write_packed_songs(root: Path, *names: str) -> None:
    """The real excerpt that the stempeg package ships, under other names."""
    package = importlib.util.find_spec("stempeg").submodule_search_locations[0]
    (excerpt,) = (Path(package) / "data").glob("*.stem.mp4")
    for name in names:
        folder = root / ("test" if SPLIT_OF[name] == "test" else "train")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(excerpt, folder / f"{name}.stem.mp4")


def zipped(root: Path) -> bytes:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(file for file in root.rglob("*") if file.is_file()):
            archive.write(file, Path("published") / file.relative_to(root))
    return path.read_bytes()


def describe(clone: Clone, server: FileServer, **changes: object) -> None:
    """Write a config that sets only the data set."""
    rows = "".join(f"{song},{split},4\n" for song, split in SPLIT_OF.items())
    (clone.root / "config/songs.csv").write_text(f"song,split,seconds\n{rows}")
    source = {
        "url": server.url,
        "archive": "published.zip",
        "size_bytes": len(server.content),
        "checksum": f"md5:{hashlib.md5(server.content, usedforsecurity=False).hexdigest()}",
        "page": "https://example.org",
        "song_list": "config/songs.csv",
        **changes,
    }
    (clone.root / "config/mine.yaml").write_text(
        yaml.safe_dump({"dataset": "published", "datasets": {"published": source}})
    )


def song_lists(experiment: str = "tiny", *changes: str) -> tuple[str, ...]:
    """Arguments that cache the songs of all splits for an experiment."""
    config = ("--configfile", TINY, "config/mine.yaml", "--config", f"experiment={experiment}")
    config += changes
    splits = ("train", "valid", "test")
    return (*config, "--", *(f"results/{experiment}/cache/{split}.txt" for split in splits))


def cached(clone: Clone, split: str) -> list[str]:
    names = (clone.root / f"results/tiny/cache/{split}.txt").read_text().split()
    return [Path(name).stem for name in names]


def test_a_published_data_set_is_fetched_once_for_all_experiments(
    clone: Clone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("published")
    write_songs(root, *SPLIT_OF)
    with file_server(zipped(root), statuses=[503], cuts=[100_000]) as server:
        describe(clone, server)
        assert clone.planned(*song_lists()) == {"fetch": 1, "cache": 5, "song_list": 3}
        assert server.starts == []

        result = clone.snakemake(*song_lists())
        assert result.returncode == 0, result.stdout
        assert cached(clone, "train") == ["One", "Two"]
        assert cached(clone, "valid") == ["Three"]
        assert server.starts == [0, 100_000]
        names = [path.name for path in (clone.root / "results/datasets").iterdir()]
        assert sorted(names) == [".published.lock", "published", "published.json"]
        assert clone.planned(*song_lists()) == {}

        assert clone.planned(*song_lists("other", "rate_hz=4000")) == {"cache": 5, "song_list": 3}
        # Neither a mirror nor an edit of the script downloads the data again.
        describe(clone, server, url="http://127.0.0.1:9/mirror.zip")
        assert clone.planned(*song_lists()) == {}
        clone.append("workflow/scripts/fetch.py", "\n_EDITED = 1\n")
        result = clone.snakemake(*song_lists())
        assert result.returncode == 0, result.stdout
        assert "already fetched" in result.stdout
        assert clone.planned(*song_lists()) == {}
        assert len(server.starts) == 2

        (clone.root / "results/datasets").rename(clone.root / "elsewhere")
        (clone.root / "config/mine.yaml").open("a").write(f"root: {root}\n")
        assert "fetch" not in clone.planned(*song_lists("other", "rate_hz=4000"))


def test_songs_missing_from_an_archive_are_skipped(
    clone: Clone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("published")
    write_packed_songs(root, "One", "Three", "Four")
    with file_server(zipped(root)) as server:
        describe(clone, server, stem_format="mp4", song_seconds=7, n_missing=1)
        result = clone.snakemake(*song_lists())
    assert result.returncode == 0, result.stdout
    assert "missing from the archive, and skipped: Two" in result.stdout
    assert cached(clone, "train") == ["One"]
    assert cached(clone, "valid") == ["Three"]
    assert clone.planned(*song_lists()) == {}


def test_without_a_network_the_error_says_where_to_put_the_archive(clone: Clone) -> None:
    describe(clone, FileServer(b"PK", "http://127.0.0.1:9/published.zip"))
    result = clone.snakemake(*song_lists())
    assert result.returncode != 0
    (line,) = {
        line.partition("error: ")[2]
        for line in result.stdout.splitlines()
        if "could not be downloaded" in line and "error: " in line
    }
    assert f"put it at {clone.root / 'results/datasets/published.zip'}" in line
    assert "Traceback" not in result.stdout
    assert not (clone.root / FOLDER).exists()
    assert not (clone.root / f"{FOLDER}.json").exists()
