"""Layouts of data sets: stems, targets and setup files."""

import os
from pathlib import Path

import pytest
import yaml
from upsampling_artifacts.data.layout import (
    check_sources,
    read_setup,
    read_setup_file,
    stem_files,
    stem_weights,
)
from upsampling_artifacts.errors import InputError

MUSDB18 = read_setup("musdb18")
FOUR = ["drums", "bass", "other", "vocals"]


def make_song(folder: Path, *stems: str) -> Path:
    for stem in stems:
        (folder / f"{stem}.wav").touch()
    return folder


def test_musdbs_setup_is_the_default() -> None:
    assert MUSDB18["sources"] == {stem: f"{stem}.wav" for stem in FOUR}
    assert MUSDB18["stem_ids"] == {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}
    assert read_setup("folder")["sources"] is None


def test_a_setup_file_in_the_root_overrides_the_keys_it_has(tmp_path: Path) -> None:
    own = {"sources": {"speech": "s.wav"}, "mixture": "mix.wav", "validation_tracks": ["A"]}
    (tmp_path / "mus.yaml").write_text(yaml.safe_dump(own))
    for dataset in ("folder", "musdb18-hq"):
        setup = read_setup(dataset, tmp_path)
        assert setup["sources"] == {"speech": "s.wav"}
        assert setup["targets"] == MUSDB18["targets"]
        assert stem_files(tmp_path, setup) == {
            "mixture": tmp_path / "mix.wav",
            "speech": tmp_path / "s.wav",
        }


@pytest.mark.parametrize(
    "text",
    [
        "sources: [a",
        "sources: [a, b]",
        "targets: {a: b}",
        "targets: {a: {b: c}}",
        "- a",
        "3",
        "a: 2020-99-99",
        "sources: {a: 3}",
        "sources: {a: /etc/passwd}",
        "sources: {a: ''}",
        "sources: {mixture: a.wav}",
        "sources: {1: a.wav}",
        "stem_ids: {a: b}",
        "targets: {a: {b: .nan}}",
        "mixture: 1",
    ],
)
def test_an_invalid_setup_file_gets_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "mus.yaml").write_text(text)
    with pytest.raises(
        InputError, match=r"mus\.yaml: not a valid musdb setup.*correct it$"
    ) as error:
        read_setup("folder", tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "# nothing", "{}", "null"])
def test_an_empty_setup_file_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "mus.yaml").write_text(text)
    assert read_setup("folder", tmp_path) == read_setup("folder")
    assert read_setup_file(tmp_path / "mus.yaml") == {}


def test_a_setup_file_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mus.yaml")
    with pytest.raises(InputError, match=r"mus\.yaml: not a valid .* it is no file"):
        read_setup("folder", tmp_path)


def test_the_stems_of_a_folder_are_its_wav_files(tmp_path: Path) -> None:
    song = make_song(tmp_path, "mixture", "vocals", "accompaniment", "._vocals")
    (song / "notes.txt").touch()
    files = stem_files(song, read_setup("folder"))
    assert files == {stem: song / f"{stem}.wav" for stem in ("mixture", "accompaniment", "vocals")}


def test_a_wav_file_that_mixes_other_stems_is_no_stem(tmp_path: Path) -> None:
    song = make_song(tmp_path, "mixture", *FOUR, "accompaniment", "linear_mixture")
    assert set(stem_files(song, read_setup("folder"))) == {"mixture", *FOUR}


def test_a_source_is_a_stem_if_possible_and_a_target_otherwise() -> None:
    setup = MUSDB18 | {"targets": {"vocals": {"vocals": 2}, "beat": {"drums": 1, "bass": 0.5}}}
    assert stem_weights("vocals", FOUR, setup) == {"vocals": 1.0}
    assert stem_weights("beat", FOUR, setup) == {"drums": 1.0, "bass": 0.5}
    with pytest.raises(InputError, match=r"no stem 'beat'; sources can be: drums, vocals$"):
        stem_weights("beat", ["drums", "vocals"], setup)
    with pytest.raises(InputError, match=r"sources can be: drums, bass or, mixed from them, beat$"):
        stem_weights("piano", ["drums", "bass"], setup)


@pytest.mark.parametrize("dataset", ["synthetic", "musdb18", "musdb18-hq"])
def test_a_misspelled_source_is_reported_before_any_song_is_read(dataset: str) -> None:
    config = {"dataset": dataset, "sources": ["vocals", "accompanyment"], "excerpt": False}
    with pytest.raises(InputError, match=rf"^config: sources: {dataset}: no stem 'accompanyment'"):
        check_sources(config, read_setup(dataset))
    check_sources(config | {"sources": ["vocals", "accompaniment"]}, read_setup(dataset))


def test_the_excerpt_must_have_the_sources_of_a_folder() -> None:
    config = {"dataset": "folder", "sources": ["piano", "rest"], "excerpt": True}
    with pytest.raises(InputError, match=r"excerpt: no stem 'piano'.*set excerpt: false"):
        check_sources(config, read_setup("folder"))
    check_sources(config | {"excerpt": False}, read_setup("folder"))
