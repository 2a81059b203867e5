"""Bad input ends in one clear line and leaves no partial output."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ..clone import TINY, Clone
from ..folders import state_of

STEMS = ("mixture", "drums", "bass", "other", "vocals")


@pytest.mark.parametrize(
    ("setting", "key", "remedy"),
    [
        ("rate_hzz=8000", "unknown key 'rate_hzz'", "did you mean 'rate_hz'?"),
        ("training={'epoch': 3}", "unknown key 'training.epoch'", "did you mean 'epochs'?"),
        ("rate_hz=fast", "rate_hz: 'fast' is not of type 'integer'", "Sampling rate"),
        ("variants=[demucs_cubic]", "unknown system 'demucs_cubic'", "known: demucs_transposed"),
        ("remedies=[demucs_sinc]", "remedies: 'demucs_sinc' is no remedy", "demucs_sinc.remedy_of"),
        ("training={'silent_share': 2}", "training.silent_share: 2", "probability with which"),
        ("loss_study={'losses': [l3]}", "loss_study.losses: unknown loss 'l3'", "known: deep_feat"),
        (
            "systems={'demucs_nearest': {'upsampler': {'name': 'nearst'}}}",
            "systems.demucs_nearest: unknown upsampler 'nearst'",
            "linear, nearest, sinc, subpixel, transposed",
        ),
        (
            "systems={'demucs_nearest': {'architecture': 'demux'}}",
            "systems.demucs_nearest: unknown architecture 'demux'",
            "known: demucs",
        ),
        (
            "systems={'demucs_nearest': {'upsampler': 'nowhere:Layer'}}",
            "systems.demucs_nearest: upsampler 'nowhere:Layer': there is no module 'nowhere'",
            "put it beside the Snakefile",
        ),
        (
            "systems={'demucs_nearest': {'architecture': 'my_package.nets:Net'}}",
            "architecture 'my_package.nets:Net': there is no module 'my_package.nets'",
            "put it beside the Snakefile",
        ),
        (
            "probes={'single_layers': [demucs_cubic]}",
            "probes.single_layers: unknown system",
            "known: demucs_",
        ),
        (
            "training={'loss': 'l3'}",
            "training.loss: unknown loss 'l3'",
            "or give your own class as my_module:MyClass",
        ),
        ("dataset=folder", "root: is not set", "set root to it"),
        (
            "sources=[vocals, rest]",
            "sources: synthetic: no stem 'rest'",
            "can be: vocals, drums",
        ),
        (
            "dataset=musdb",
            "unknown data set 'musdb'",
            "known: synthetic, folder, musdb18-hq, musdb18",
        ),
        ("datasets={'musdb18': {'md5': x}}", "unknown key 'datasets.musdb18.md5'", "url"),
        ("datasets={'mine': {'archive': x.zip}}", "datasets.mine.", "URL of the archive"),
        ("probes={'systems': [demucs_cubic]}", "probes.systems: unknown system", "known: demucs_"),
        ("probes={'size': huge}", "probes.size: architecture 'melgan' has no size 'huge'", "tiny"),
        (
            "probes={'out_of_distribution': {'speech': 'mine.wav'}}",
            "probes.out_of_distribution: 'speech'",
            "that no test signal has already",
        ),
        (
            "systems={'demucs_nearest': {'upsampler': {'name': 'nearest', 'length': 0}}}",
            "config: systems.demucs_nearest, size tiny: length: 0 is not a filter length",
            "use 1, 2, ...",
        ),
        (
            "architectures={'demucs': {'tiny': {'channels': 0}}}",
            "config: systems.demucs_transposed, size tiny: architecture 'demucs': its class raised",
            "change its options",
        ),
        (
            "systems={'demucs_haar': {'upsampler': {'wavelet': 'db2'}}}",
            "config: systems.demucs_haar.upsampler: wavelet: 'db2' is unknown",
            "known: haar, lazy",
        ),
        ("training={'learning_rate': .nan}", "training.learning_rate: nan", "give a number"),
        ("synthetic_songs={'train': 3000000}", "synthetic_songs.train: 3000000", "training songs"),
        (
            "probes={'models': {'mine': {'factory': 'x'}}}",
            "probes.models.mine",
            "as package.module:name",
        ),
    ],
)
def test_a_wrong_key_or_value_in_config_is_refused_with_a_remedy(
    clone: Clone, setting: str, key: str, remedy: str
) -> None:
    assert remedy in clone.refused(key, "-n", "--configfile", TINY, "--config", setting)
    assert not (clone.root / "results/tiny").exists()


@pytest.mark.parametrize(
    ("rate_hz", "message"),
    [(44100, "its rate is 44100 Hz, the experiment's is 8000 Hz"), (None, "no such file")],
)
def test_a_sound_that_cannot_be_probed_is_refused(
    clone: Clone, rate_hz: int | None, message: str
) -> None:
    if rate_hz:
        soundfile.write(clone.root / "door.wav", np.ones(3 * rate_hz), rate_hz)
    mine = "probes={'out_of_distribution': {'door': 'door.wav'}}"
    line = clone.refused(message, "out_of_distribution", "--configfile", TINY, "--config", mine)
    assert "probes.out_of_distribution: door.wav: " in line
    assert not (clone.root / "results/tiny/dataset/out_of_distribution").exists()


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder data set of three songs of noise, sixteen seconds at 8 kHz."""
    root = tmp_path_factory.mktemp("root")
    rng = np.random.default_rng(0)
    for split, song in (("train", "One"), ("train", "Two"), ("test", "Three")):
        folder = root / split / song
        folder.mkdir(parents=True)
        stems = rng.normal(scale=0.05, size=(4, 8 * 8000, 2))
        for name, audio in zip(STEMS, [stems.sum(axis=0), *stems], strict=True):
            soundfile.write(folder / f"{name}.wav", audio, 8000, subtype="PCM_16")
    (root / "mus.yaml").write_text("validation_tracks: [Two]")
    return root


def refused_song(clone: Clone, root: Path, text: str, **environment: str) -> str:
    """Try to cache the song One; return the line with ``text`` of the failure."""
    line = clone.refused(
        text, "--configfile", TINY, "--config", "dataset=folder", f"root={root}", "--",
        "results/tiny/cache/One.npy", **environment,
    )  # fmt: skip
    assert not list(clone.root.glob("results/tiny/cache/*"))
    return line


def test_a_valid_folder_is_accepted_and_not_modified(clone: Clone, root: Path) -> None:
    before = state_of(root)
    result = clone.snakemake(
        "--configfile", TINY, "--config", "dataset=folder", f"root={root}", "--",
        "results/tiny/cache/One.npy", "results/tiny/cache/Three.npy",
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    assert state_of(root) == before


def test_a_missing_or_empty_root_is_refused(clone: Clone, tmp_path: Path) -> None:
    settings = ("-n", "--config", "dataset=folder", f"root={tmp_path}/nothing")
    assert "is not a folder" in clone.refused("config: root:", *settings)
    (tmp_path / "nothing").mkdir()
    assert "holds no songs" in clone.refused("config: root:", *settings)


def test_a_song_without_a_stem_is_refused_and_can_be_excluded(clone: Clone, root: Path) -> None:
    (root / "train/One/bass.wav").unlink()
    line = refused_song(clone, root, "no stem 'bass'")
    assert "train/One" in line and "exclude_songs: [One]" in line


@pytest.mark.parametrize(
    ("audio", "rate_hz", "complaint"),
    [
        (np.zeros((64000, 2)), 8000, "bass is silent, and museval cannot score silence"),
        (np.ones((64000, 1)) / 2, 8000, "bass.wav: 1 channel(s), but stereo is required"),
        (np.ones((60000, 2)) / 2, 8000, "bass.wav: has 60000 samples, but the mixture has 64000"),
        (np.ones((0, 2)), 8000, "bass.wav: has 0 samples, but the mixture has 64000"),
        (np.ones((64000, 2)) / 2, 16000, "bass.wav: 16000 Hz, but the mixture has 8000 Hz"),
    ],
)
def test_a_broken_stem_is_refused_with_its_defect(
    clone: Clone, root: Path, audio: np.ndarray, rate_hz: int, complaint: str
) -> None:
    soundfile.write(root / "train/One/bass.wav", audio, rate_hz, subtype="PCM_16")
    line = refused_song(clone, root, complaint)
    assert "error: " in line
    assert "One" in line


def test_without_ffmpeg_the_error_says_how_to_install_it(
    clone: Clone, root: Path, tmp_path: Path
) -> None:
    binaries = tmp_path / "binaries"
    binaries.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).glob("*"):
            link = binaries / program.name
            if program.name not in ("ffmpeg", "ffprobe") and not link.exists():
                link.symlink_to(program)
    line = refused_song(clone, root, "ffmpeg is not on PATH", PATH=str(binaries))
    assert "make" in line


def test_a_user_supplied_model_that_cannot_be_imported_is_refused(clone: Clone) -> None:
    models = "probes={'models': {'mine': {'factory': 'no_such.thing:Net', 'rate_hz': 8000}}}"
    target = "results/tiny/probes/models/mine/measures.csv"
    line = clone.refused("error: ", "--configfile", TINY, "--config", models, "--", target)
    assert "module 'no_such.thing' cannot be imported" in line
    assert not list(clone.root.glob("results/tiny/probes/models/mine/*"))
