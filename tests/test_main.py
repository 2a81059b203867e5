"""The command line, as users type it."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.__main__ import main

from .clone import REPOSITORY

RATE_HZ = 8000
MODULE = [sys.executable, "-m", "upsampling_artifacts"]
TOY = ["tests.toy_models:Upsampler", "--rate", str(RATE_HZ), "--seconds", "1.5"]


def run(*command: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def whistle(tmp_path: Path) -> Path:
    path = tmp_path / "whistle.wav"
    noise = np.random.default_rng(0).standard_normal(3 * RATE_HZ) / 100
    soundfile.write(path, noise + 0.05 * np.resize([0, 1, 0, -1], 3 * RATE_HZ), RATE_HZ)
    return path


def test_a_model_is_probed_with_its_options(tmp_path: Path) -> None:
    options = ["--option", "stride=8", "--option", "width=4", "--seeds", "3", "4"]
    result = run(*MODULE, "probe", *TOY, *options, "--stage", "trained", "--out", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "up    transposed, up x8" in result.stdout
    assert "8000 Hz, trained weights, 2 seeds" in result.stdout
    assert f"Tables and figure written to {tmp_path}" in result.stdout
    assert "probed seed 4" in result.stderr
    assert set(pd.read_csv(tmp_path / "measures.csv")["seed"]) == {3, 4}


def test_the_installed_command_finds_a_model_in_the_current_folder(tmp_path: Path) -> None:
    command = shutil.which("upsampling-artifacts")
    assert command, "install the package again: its pyproject.toml names a command"
    code = "import torch\n\n\ndef make():\n    return torch.nn.Conv1d(1, 1, 9, padding=4)\n"
    (tmp_path / "my_own_model.py").write_text(code)
    result = run(command, "probe", "my_own_model:make", *TOY[1:], folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "my_own_model:make: 8000 Hz, initial weights, 1 seed" in result.stdout


def test_an_audio_file_is_probed(whistle: Path, capsys) -> None:
    assert main(["probe", str(whistle)]) == 0
    assert "rate/4" in capsys.readouterr().out


def test_the_strides_and_the_hop_of_a_model_are_tested(tmp_path: Path, capsys) -> None:
    """5 rate/480 alone fits too many strides; of 8, 5, 3 and a hop of 4, it is a tone."""
    rate_hz = 22050
    time = np.arange(4 * rate_hz)
    sound = np.random.default_rng(0).standard_normal(len(time)) / 1000
    sound += 0.01 * np.sin(2 * np.pi * 5 / 480 * time)
    path = str(tmp_path / "vocoder.wav")
    soundfile.write(path, sound, rate_hz)

    def printed(*options: str) -> str:
        assert main(["probe", path, *options]) == 0
        return " ".join(capsys.readouterr().out.split())

    assert "No: the only line is not" in printed()
    own = printed("--strides", "8,5,3", "--hop", "4")
    assert "at multiples of rate/4, rate/12, rate/60, rate/480: 1 of 1 line is there." in own
    assert ": 5 rate/480: " in own and "Yes: the only line" in own
    # Without the hop, the products are 3, 15 and 120, and none of them has the tone.
    without = printed("--strides", "8,5,3")
    assert "at multiples of rate/3, rate/15, rate/120: 0 of 1 line are there." in without
    assert "at multiples of rate/96: 1 of 1 line is there." in printed("--hop", "96")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such.wav"], "no_such.wav: no such file; give an audio file, or a model as "
         "package.module:factory"),
        (TOY[:1], "--rate: is missing; give the sampling rate of the model's output"),
        ([*TOY, "--option", "stride"], "--option stride: write NAME=VALUE"),
        ([*TOY, "--option", "stride=[4"], "--option stride=[4: the value is not valid YAML"),
        ([*TOY, "--input", "mel"], "--input: unknown 'mel'; known: audio, features"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(arguments: list[str], message: str, capsys) -> None:
    assert main(["probe", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"error: {message}\n"
    assert printed.out == ""


def test_an_output_folder_that_cannot_be_created_is_an_error(whistle: Path, capsys) -> None:
    assert main(["probe", str(whistle), "--out", str(whistle)]) == 1
    assert printed_error(capsys).startswith("error: ")


def printed_error(capsys) -> str:
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    return line


def test_json_alone_is_printed_whatever_the_model_prints() -> None:
    """It prints, logs, warns and runs a program that prints."""
    target = "tests.toy_forms:Talks"
    result = run(*MODULE, "probe", target, *TOY[1:], "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["name"], found["rate_hz"]) == (target, RATE_HZ)
    assert [layer["stride"] for layer in found["layers"]] == [4, 4]
    assert {"kind", "sentence", "values"} == set(found["findings"][0])
    for printed in ("hello from the model", "hello from a program", "a message", "a warning"):
        assert printed in result.stderr


def test_an_interrupted_probe_ends_in_a_line(capsys) -> None:
    arguments = ["--option", "name=KeyboardInterrupt"]
    assert main(["probe", "tests.toy_forms:Raises", *TOY[1:], *arguments]) == 130
    assert printed_error(capsys) == "error: interrupted"


def test_help_does_not_load_torch() -> None:
    code = """
import sys
from upsampling_artifacts.__main__ import main
try:
    main(["probe", "--help"])
except SystemExit:
    sys.exit("torch" in sys.modules)
"""
    result = run(sys.executable, "-c", code)
    assert result.returncode == 0
    assert "--option NAME=VALUE" in result.stdout


README = (REPOSITORY / "README.md").read_text()
COMMANDS = re.findall(r"^ {4}(upsampling-artifacts .+?)(?: +#.*)?$", README, re.MULTILINE)


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_readme_work_as_written(
    command: str, whistle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """In a folder with an audio file; to save time, models are probed for 1.5 seconds, and HDemucs
    with a sixth of its channels."""
    monkeypatch.chdir(tmp_path)
    assert whistle.name in README
    words = shlex.split(command)[1:]
    if whistle.name not in words:
        words += ["--seconds", "1.5"]
    if "torchaudio.models:HDemucs" in words:
        words += ["--option", "channels=8"]
    assert main(words) == 0
    assert capsys.readouterr().out
