"""An output that has changed since its job wrote it is refused; nothing else is."""

import shutil
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.output_checksums import check_inputs, record_outputs

TABLE = Path("results/mine/variants/a/seed-0/scores.csv")
FOLDER = Path("results/mine/variants/a/seed-0/estimates")
WAV = FOLDER / "test/A song/drums.wav"
RECORD = Path("results/mine/.checksums/variants/a/seed-0/scores.csv")


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table and a folder, as their jobs have written them."""
    monkeypatch.chdir(tmp_path)
    WAV.parent.mkdir(parents=True)
    WAV.write_bytes(bytes(range(256)) * 9)
    TABLE.write_text("system,value_db\na,6.25\nb,-0.07\n")
    record_outputs([str(TABLE), str(FOLDER)])


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        check_inputs([str(path)])
    return str(error.value)


def test_outputs_are_accepted_as_they_were_written_and_may_be_written_again() -> None:
    check_inputs([TABLE, FOLDER])
    (FOLDER / ".snakemake_timestamp").touch()
    TABLE.touch()
    check_inputs([TABLE, FOLDER])
    TABLE.write_text("system,value_db\na,6.26\n")
    record_outputs([TABLE])
    check_inputs([TABLE])


@pytest.mark.parametrize("change", ["one digit", "cut in mid-line", "a row more", "empty"])
def test_a_table_that_was_changed_is_refused_with_both_remedies(change: str) -> None:
    text = TABLE.read_text()
    changed = {
        "one digit": text.replace("6.25", "6.35"), "cut in mid-line": text[:-4],
        "a row more": text + "c,7\n", "empty": "",
    }  # fmt: skip
    TABLE.write_text(changed[change])
    line = refusal(TABLE)
    assert line.startswith(f"{TABLE}: not as its job has written it: its checksum is ")
    assert f"delete {TABLE}, and it will be made again, or {RECORD}, to use it as it is" in line
    RECORD.unlink()
    check_inputs([TABLE])


def test_a_folder_whose_file_was_cut_is_missing_or_is_new_is_refused() -> None:
    content = WAV.read_bytes()
    WAV.write_bytes(content[:-1])
    assert refusal(FOLDER).startswith(f"{WAV}: not as its job has written it: its checksum is ")
    WAV.write_bytes(content)
    check_inputs([FOLDER])
    other = WAV.with_name("bass.wav")
    WAV.rename(other)
    assert f"{WAV}: not as its job has written it: it is missing; delete {FOLDER}" in refusal(
        FOLDER
    )
    shutil.copy(other, WAV)
    assert f"{other}: not as its job has written it: it is new" in refusal(FOLDER)


def test_an_output_of_another_experiment_is_refused_and_a_whole_experiment_may_move() -> None:
    shutil.copytree("results/mine", "results/moved")
    moved = Path("results/moved", *TABLE.parts[2:])
    check_inputs([moved])
    moved.write_text("system,value_db\na,1.00\nb,2.00\n")
    record_outputs([moved])
    shutil.copy(moved, TABLE)
    assert "its checksum is " in refusal(TABLE)


def test_a_damaged_record_is_named() -> None:
    for content in ("", "[1]", "{", '"x"'):
        RECORD.write_text(content)
        assert f"or {RECORD}, to use it as it is" in refusal(TABLE)


def test_files_of_no_experiment_are_not_recorded(tmp_path: Path) -> None:
    own = [tmp_path / "song.wav", Path("song.wav"), Path("results/README.md")]
    for path in own:
        path.write_text("mine")
    record_outputs(own)
    check_inputs(own)
    assert not list(tmp_path.rglob("*README.md/**")) and not Path("results/.checksums").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "song.wav"]
