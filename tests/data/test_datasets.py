"""An experiment's songs are listed from its configuration and from file names alone."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from snakemake.io import PeriodicityDetector
from torchaudio.datasets import musdb_hq
from upsampling_artifacts.data.datasets import exclusion, listed_songs, song_names, song_seconds
from upsampling_artifacts.data.musdb18 import EXCERPT, song_path
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.configuration import resolve

from ..configs import SCHEMA, read_config

# One of the 14 songs that musdb uses for validation.
MUSDB_VALID = "Actions - One Minute Smile"


REPOSITORY = Path(__file__).parents[2]
PUBLISHED = ["musdb18-hq", "musdb18", "musdb18-7s"]


def published_datasets() -> dict:
    """The published data sets of config, completed with the defaults of the schema."""
    config = resolve(read_config(), SCHEMA)
    for source in config["datasets"].values():
        source["song_list"] = str(REPOSITORY / source["song_list"])
    return config["datasets"]


def configuration(root: Path | None = None, dataset: str = "folder", **changes: object) -> dict:
    return {
        "dataset": dataset,
        "root": None if root is None else str(root),
        "datasets": published_datasets(),
        "synthetic_songs": {"train": 3, "valid": 1, "test": 2},
        "exclude_songs": [],
        "excerpt": False,
    } | changes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with songs as folders and as .stem.mp4 files, and with files that are no songs."""
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "README.txt").touch()
        (tmp_path / split / ".hidden").mkdir()
    for name in ("B - two", MUSDB_VALID, "C. - three"):
        (tmp_path / "train" / name).mkdir()
    (tmp_path / "train" / "A - one.stem.mp4").touch()
    (tmp_path / "test" / "D - four.stem.mp4").touch()
    return tmp_path


def test_each_split_has_the_configured_number_of_synthetic_songs() -> None:
    names = song_names(configuration(dataset="synthetic", excerpt=True))
    assert {split: len(songs) for split, songs in names.items()} == {
        "train": 3, "valid": 1, "test": 2, "excerpt": 1,
    }  # fmt: skip
    assert names["excerpt"] == [EXCERPT]


def test_song_folders_and_mp4_files_below_the_root_are_listed_in_order(root: Path) -> None:
    assert song_names(configuration(root)) == {
        "train": ["A - one", "B - two", "C. - three"],
        "valid": [MUSDB_VALID],
        "test": ["D - four"],
        "excerpt": [],
    }


def test_the_roots_setup_file_overrides_musdbs_validation_songs(root: Path) -> None:
    (root / "mus.yaml").write_text(json.dumps({"validation_tracks": ["A - one", "C. - three"]}))
    names = song_names(configuration(root))
    assert names["valid"] == ["A - one", "C. - three"]
    assert names["train"] == [MUSDB_VALID, "B - two"]


def test_a_data_set_without_validation_songs_is_an_input_error(root: Path) -> None:
    (root / "mus.yaml").write_text(json.dumps({"validation_tracks": []}))
    with pytest.raises(InputError, match=r"folder has no valid songs; .*mus.yaml"):
        song_names(configuration(root))


def test_songs_can_be_excluded(root: Path) -> None:
    names = song_names(configuration(root, exclude_songs=["B - two"]))
    assert names["train"] == ["A - one", "C. - three"]
    with pytest.raises(InputError, match="has no test songs"):
        song_names(configuration(root, exclude_songs=["D - four"]))
    with pytest.raises(InputError, match="exclude_songs: no song is called 'E - five'"):
        song_names(configuration(root, exclude_songs=["B - two", "E - five"]))


def test_a_root_that_is_not_set_or_does_not_exist_is_an_input_error(tmp_path: Path) -> None:
    for root, state in ((None, "is not set"), (tmp_path / "no", "no is not a folder")):
        with pytest.raises(InputError, match=f"config: root: .*{state}.*unpack") as error:
            song_names(configuration(root))
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"config: root: .*no is not a folder"):
        song_names(configuration(tmp_path / "no", "musdb18-hq"))


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_the_songs_of_a_published_data_set_are_listed_without_its_audio(dataset: str) -> None:
    names = song_names(configuration(dataset=dataset))
    assert {split: len(songs) for split, songs in names.items()} == {
        "train": 86, "valid": 14, "test": 50, "excerpt": 0,
    }  # fmt: skip
    assert len({name for songs in names.values() for name in songs}) == 150
    assert EXCERPT in names["test"]


def test_the_published_validation_songs_are_those_of_musdb_and_torchaudio() -> None:
    configs = Path(importlib.util.find_spec("musdb").origin).parent / "configs"
    musdb = yaml.safe_load((configs / "mus.yaml").read_text())["validation_tracks"]
    valid = song_names(configuration(dataset="musdb18-hq"))["valid"]
    assert sorted(valid) == sorted(musdb) == sorted(musdb_hq._VALIDATION_SET)


def test_the_published_checksum_is_torchaudios() -> None:
    source = published_datasets()["musdb18-hq"]
    assert source["checksum"] == f"sha256:{musdb_hq._CHECKSUM}"


def test_the_lengths_of_published_songs_are_listed_without_their_audio() -> None:
    lengths = {
        song["song"]: song["seconds"] for song in listed_songs(configuration(dataset="musdb18"))
    }
    assert 9.7 < sum(lengths.values()) / 3600 < 9.9  # hours
    assert lengths[MUSDB_VALID] == 163
    assert {song["seconds"] for song in listed_songs(configuration(dataset="musdb18-7s"))} == {7}
    assert song_seconds(Path("missing"), default=lengths[MUSDB_VALID]) == 163
    assert song_seconds(Path("missing")) == 240


def test_a_missing_or_invalid_song_list_is_an_input_error(tmp_path: Path) -> None:
    config = configuration(dataset="musdb18")
    for text in (None, "name,split\nA,train\n", "song,split,seconds\nA,train,long\n"):
        table = tmp_path / "songs.csv"
        config["datasets"]["musdb18"] |= {"song_list": str(table)}
        if text:
            table.write_text(text)
        with pytest.raises(InputError, match=r"songs\.csv is not a song list"):
            song_names(config)


def write_musdb18(root: Path, *without: str) -> None:
    for split, names in song_names(configuration(dataset="musdb18-hq")).items():
        for name in set(names) - set(without):
            (root / ("test" if split == "test" else "train") / name).mkdir(parents=True)


def test_a_complete_copy_of_a_published_data_set_is_used_unchanged(tmp_path: Path) -> None:
    write_musdb18(tmp_path)
    published = song_names(configuration(dataset="musdb18-hq"))
    assert song_names(configuration(tmp_path, "musdb18-hq")) == published


def test_an_incomplete_copy_gets_one_line_that_excludes_its_missing_songs(
    tmp_path: Path,
) -> None:
    missing = ["Flags - 54", "Zeno - Signs"]
    write_musdb18(tmp_path, *missing)
    config = configuration(tmp_path, "musdb18-hq")
    with pytest.raises(InputError) as error:
        song_names(config)
    line = str(error.value)
    assert "lacks 2 of the 150 songs of musdb18-hq" in line and "\n" not in line
    assert line.endswith(f"exclude_songs: {json.dumps(missing)}")
    names = song_names(config | {"exclude_songs": missing})
    assert [len(songs) for songs in names.values()] == [85, 14, 49, 0]
    # The archive of musdb18-7s may lack six songs.
    assert len(song_names(configuration(tmp_path, "musdb18-7s"))["train"]) == 85


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_or_missing_split_is_an_input_error(root: Path, split: str) -> None:
    for entry in (root / split).iterdir():
        entry.rmdir() if entry.is_dir() else entry.unlink()
    for _ in ("empty", "missing"):
        with pytest.raises(InputError, match=rf"{split} holds no songs; unpack") as error:
            song_names(configuration(root))
        assert str(root / split) in str(error.value)
        if (root / split).exists():
            (root / split).rmdir()


def test_a_song_in_two_splits_and_a_name_with_braces_are_input_errors(root: Path) -> None:
    (root / "test" / "B - two").mkdir()
    with pytest.raises(InputError, match="'B - two' in train and in test"):
        song_names(configuration(root))
    (root / "test" / "B - two").rename(root / "test" / "E - {five}")
    with pytest.raises(InputError, match=r"has { or } in its name"):
        song_names(configuration(root))


@pytest.mark.parametrize("name", ["It's: A & B", "- x", "[y] # z", "100%", "true", "12", "Ö, ü"])
def test_the_line_that_excludes_songs_is_valid_yaml(name: str) -> None:
    line = exclusion(["One", name])
    assert yaml.safe_load(line) == {"exclude_songs": ["One", name]}
    assert "\n" not in line


def test_lengths_are_read_from_the_headers_of_wav_and_mp4_files(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", np.zeros((4000, 2)), 8000)
    assert song_seconds(tmp_path, "mix.wav") == 0.5
    assert song_seconds(tmp_path, default=7) == 7
    assert song_seconds(song_path(tmp_path, "excerpt", EXCERPT)) == pytest.approx(6.08, abs=0.01)
    (tmp_path / "A.stem.mp4").write_text("no song")
    assert song_seconds(tmp_path / "A.stem.mp4", default=7) == 7


def test_the_excerpt_is_dropped_if_its_song_is_a_test_song(root: Path) -> None:
    assert song_names(configuration(root, excerpt=True))["excerpt"] == [EXCERPT]
    (root / "test" / EXCERPT).mkdir()
    names = song_names(configuration(root, excerpt=True))
    assert names["test"] == ["D - four", EXCERPT]
    assert names["excerpt"] == []


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "a\x85b", "a\tb", "{song}"])
def test_a_song_whose_name_would_break_a_list_is_refused(root: Path, name: str) -> None:
    (root / "train" / name).mkdir()
    with pytest.raises(InputError, match="rename its folder") as error:
        song_names(configuration(root))
    assert len(str(error.value).splitlines()) == 1


def test_the_length_of_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mixture.wav")
    assert song_seconds(tmp_path, default=7) == 7


@pytest.mark.parametrize(
    "text",
    [
        "", "song,split\nA,train\n", "song,split,seconds\nA,train,long\n",
        "song,split,seconds\nA,training,3\n", "song,split,seconds\nA,train,nan\n",
        "song,split,seconds\nA\n", "song,split,seconds\n\"A\nB\",train,3\n",
    ],
)  # fmt: skip
def test_a_song_list_that_is_none_is_refused_or_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "songs.csv").write_text(text)
    config = configuration(dataset="musdb18")
    config["datasets"]["musdb18"]["song_list"] = str(tmp_path / "songs.csv")
    if not text:
        assert listed_songs(config) == []
        return
    with pytest.raises(InputError, match=r"songs\.csv is not a song list") as error:
        listed_songs(config)
    assert len(str(error.value).splitlines()) == 1


def test_a_song_list_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "songs.csv")
    config = configuration(dataset="musdb18")
    config["datasets"]["musdb18"]["song_list"] = str(tmp_path / "songs.csv")
    with pytest.raises(InputError, match=r"is not a song list .it is no file"):
        listed_songs(config)


def test_a_song_as_folder_and_as_mp4_file_is_an_input_error(root: Path) -> None:
    (root / "train" / "B - two.stem.mp4").touch()
    with pytest.raises(InputError, match=r"train has 'B - two' as a folder and as a \.stem\.mp4"):
        song_names(configuration(root))


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        (20 * "a", True), ("Song " + 20 * "ha", True), (25 * "La la ", True), (19 * "a", False),
        (20 * "a" + " - Song", False), (19 * "ha" + "h", False),
    ],
)  # fmt: skip
def test_names_that_snakemake_makes_nothing_of_are_refused(
    root: Path, name: str, is_refused: bool
) -> None:
    (root / "train" / name).mkdir()
    assert bool(PeriodicityDetector().is_periodic(name)) == is_refused
    if is_refused:
        with pytest.raises(
            InputError, match=r"train has a name .* with '.*' 2[05] times, .*rename it"
        ):
            song_names(configuration(root))
    else:
        assert name in song_names(configuration(root))["train"]


@pytest.mark.parametrize("value", ["B - two", {"B - two": 1}, [1999], [["B - two"]], 5, True])
def test_validation_songs_that_are_no_list_of_names_are_refused(root: Path, value: object) -> None:
    (root / "mus.yaml").write_text(json.dumps({"validation_tracks": value}))
    with pytest.raises(InputError, match=r"mus\.yaml: validation_tracks: is .* a list of songs"):
        song_names(configuration(root))


def test_an_empty_setup_file_has_no_validation_songs(root: Path) -> None:
    (root / "mus.yaml").touch()
    with pytest.raises(InputError, match="folder has no valid songs"):
        song_names(configuration(root))


def test_a_root_for_synthetic_songs_is_an_input_error(root: Path) -> None:
    with pytest.raises(InputError, match=f"root: is {root}, but dataset: synthetic renders"):
        song_names(configuration(root, "synthetic"))
