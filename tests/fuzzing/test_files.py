"""Damaged files: songs, song names, mus.yaml, archives, estimates, weights, checkpoints, caches."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lightning_fabric import Fabric
from upsampling_artifacts.data.cache import cache_song
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.layout import read_setup
from upsampling_artifacts.data.out_of_distribution import read_sound
from upsampling_artifacts.data.unpacking import unpack
from upsampling_artifacts.evaluation.scoring import score_song
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.saved import load_model, save_model
from upsampling_artifacts.training.checkpoint import Checkpoint
from upsampling_artifacts.training.step import Trainer

from ..training.conftest import OPTIONS
from . import cases, refused
from .damage import damaged
from .test_config import CONFIG, plan
from .values import TEXTS, values

RATE_HZ, SECONDS = 8000, 2
STEMS = ("mixture", "drums", "bass", "other", "vocals")
SOURCES = ["drums", "vocals"]
WAV_HEADER = 44


def wav(samples: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, subtype=subtype, format="WAV")
    return file.getvalue()


def noise(seconds: float = SECONDS, channels: int = 2) -> np.ndarray:
    size = (round(seconds * RATE_HZ), channels)
    return np.random.default_rng(0).normal(scale=0.05, size=size)


GOOD = wav(noise())


def write_song(path: Path) -> Path:
    """A song whose stems add up to its mixture."""
    path.mkdir(parents=True, exist_ok=True)
    for name in STEMS:
        (path / f"{name}.wav").write_bytes(wav(4 * noise()) if name == "mixture" else GOOD)
    return path


def damage_stem(song: Path, stem: str, fault: str, content: bytes) -> None:
    """Replace a stem by something else."""
    file = song / f"{stem}.wav"
    file.unlink()
    match fault:
        case "fifo":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "link":
            file.symlink_to("nowhere.wav")
        case "loop":
            file.symlink_to(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "unreadable":
            file.write_bytes(content)
            file.chmod(0)
        case "missing":
            pass
        case _:
            file.write_bytes(content)


faults = st.sampled_from(
    ["bytes"] * 8 + ["fifo", "folder", "link", "loop", "device", "unreadable", "missing"]
)
odd_sounds = st.builds(
    lambda samples, rate_hz, channels, subtype: wav(
        noise(samples / RATE_HZ, channels), rate_hz, subtype
    ),
    st.sampled_from([0, 1, 100, 16_000]),
    st.sampled_from([1, 100, 7999, 8000, 44_101, 999_999, 2**31 - 1]),
    st.sampled_from([1, 2, 6]),
    st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ALAW"]),
)


@cases(short=4, share=0.2)
@given(
    stem=st.sampled_from(STEMS), fault=faults, content=damaged(GOOD, near=WAV_HEADER) | odd_sounds
)
def test_a_song_with_a_damaged_stem_is_cached_or_refused(
    stem: str, fault: str, content: bytes
) -> None:
    with TemporaryDirectory() as path:
        song = write_song(Path(path) / "Song")
        damage_stem(song, stem, fault, content)
        cached = Path(path) / "cache/Song.npy"
        line = refused(cache_song, song, cached, SOURCES, RATE_HZ, allow_silent=True)
        if line is None:
            read_cache(cached)
        else:
            assert not list(cached.parent.glob("*")) and "Song" in line


@cases(short=2, share=0.04)
@given(
    samples=st.sampled_from([1, 100, 999, 8000]), rate_hz=st.sampled_from([44_101, 999_999, 100])
)
def test_a_short_song_or_an_odd_rate_is_cached_or_refused(samples: int, rate_hz: int) -> None:
    with TemporaryDirectory() as path:
        song = write_song(Path(path) / "Song")
        for stem in STEMS:
            content = wav(noise(samples / RATE_HZ), rate_hz)
            damage_stem(song, stem, "bytes", content)
        line = refused(cache_song, song, Path(path) / "Song.npy", SOURCES, RATE_HZ, True)
        assert line is None or str(rate_hz) in line or "Song" in line


names = st.sampled_from([*[text for text in TEXTS if text], "Song.stem.mp4", "-rf", "a" * 255, "."])
names |= st.text(min_size=1, max_size=20)


def set_up(root: Path, songs: list[str], setup: bytes | None) -> dict:
    """Write a data set with songs of these names, as far as the file system has them."""
    for split, song in zip(("train", "train", "test"), songs, strict=True):
        try:
            write_song(root / split / song.replace("/", "_"))
        except (OSError, ValueError):
            (root / split).mkdir(parents=True, exist_ok=True)
    if setup is not None:
        (root / "mus.yaml").write_bytes(setup)
    changes = {"dataset": "folder", "root": str(root), "excerpt": False, "rate_hz": RATE_HZ}
    return {**CONFIG, **changes}


@cases(short=5, share=0.1)
@given(songs=st.lists(names, min_size=3, max_size=3, unique=True))
def test_any_song_name_is_planned_or_refused(songs: list[str]) -> None:
    with TemporaryDirectory() as path:
        setup = yaml.safe_dump({"validation_tracks": songs[:1]}).encode()
        refused(plan, set_up(Path(path), songs, setup))


SETUP = b"""\
mixture: mixture.wav
sources: {drums: drums.wav, bass: bass.wav, other: other.wav, vocals: vocals.wav}
stem_ids: {mixture: 0, drums: 1}
targets: {accompaniment: {drums: 1, bass: 1, other: 1}}
validation_tracks: [One]
"""
keys = st.sampled_from(["mixture", "sources", "stem_ids", "targets", "validation_tracks", "other"])
setups = st.one_of(
    damaged(SETUP),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode(errors="replace")),
    st.builds(
        lambda key, value: yaml.dump({**yaml.safe_load(SETUP), key: value}).encode(
            errors="replace"
        ),
        keys,
        values,
    ),
)


@cases(short=12, share=0.2)
@given(setup=setups)
def test_any_mus_yaml_is_used_or_refused(setup: bytes) -> None:
    with TemporaryDirectory() as path:
        config = set_up(Path(path), ["One", "Two", "Three"], setup)
        line = refused(plan, config)
        if line is None:
            song, cached = Path(path) / "train/One", Path(path) / "One.npy"
            layout = read_setup("folder", path)
            refused(cache_song, song, cached, CONFIG["sources"], RATE_HZ, True, layout)


def archive(encrypted: bool = False, name: str | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for member in ("train/One/a.txt", "test/Two/b.txt"):
            opened.writestr(member, "content " * 50)
        if name is not None:
            opened.writestr(zipfile.ZipInfo(name), "more")
    content = bytearray(file.getvalue())
    if encrypted:  # the first bit of the flags, in both headers of each file
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            position = content.find(mark)
            while position >= 0:
                content[position + offset] |= 1
                position = content.find(mark, position + 4)
    return bytes(content)


member_names = names | st.sampled_from(
    ["train", "train/One", "train/One/a.txt/deeper", "../out", "/out", "C:\\out", "train/" * 200]
)
archives = st.one_of(
    damaged(archive()),
    st.just(archive(encrypted=True)),
    member_names.filter(lambda name: "\ud800" not in name).map(lambda name: archive(name=name)),
    st.just(archive()).map(lambda content: content.replace(b"One", b"\xff\xfe\xfd")),
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@cases(short=40, share=0.5)
@given(content=archives)
def test_any_archive_is_unpacked_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as path:
        file = Path(path) / "data.zip"
        file.write_bytes(content)
        refused(unpack, file, Path(path) / "below/data", Interruption())
        assert {entry.name for entry in Path(path).iterdir()} <= {"data.zip", "below"}


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cached song."""
    path = tmp_path_factory.mktemp("cached")
    cache_song(write_song(path / "Song"), path / "cache/Song.npy", SOURCES, RATE_HZ, True)
    return path / "cache/Song.npy"


ESTIMATE = wav(noise(), subtype="FLOAT")


@cases(short=3, share=0.2)
@given(fault=faults, content=damaged(ESTIMATE, near=80) | odd_sounds)
def test_a_damaged_estimate_is_scored_or_refused(cached: Path, fault: str, content: bytes) -> None:
    with TemporaryDirectory() as path:
        for source in SOURCES:
            (Path(path) / f"{source}.wav").write_bytes(ESTIMATE)
        damage_stem(Path(path), "drums", fault, content)
        refused(score_song, cached, path, Path(path) / "scores.json")


@cases(short=30, share=0.5)
@given(data=st.data(), suffix=st.sampled_from([".npy", ".json"]))
def test_a_damaged_cache_is_read_or_refused(cached: Path, data: Any, suffix: str) -> None:
    with TemporaryDirectory() as path:
        for each in (".npy", ".json"):
            shutil.copy(cached.with_suffix(each), path)
        content = cached.with_suffix(suffix).read_bytes()
        (Path(path) / f"Song{suffix}").write_bytes(data.draw(damaged(content, near=300)))
        refused(read_cache, Path(path) / "Song.npy")


ABOUT = {
    "architecture": "demucs", "options": {"channels": 2, "depth": 1, "lstm_layers": 0},
    "upsampler": {"name": "transposed"}, "sources": ["drums", "vocals"], "audio_channels": 1,
    "seed": 0, "rate_hz": RATE_HZ, "segment_seconds": 1.0,
}  # fmt: skip


def model() -> torch.nn.Module:
    return build_model(
        "demucs", ABOUT["options"], ABOUT["upsampler"], n_sources=2, audio_channels=1, seed=0
    )


def checkpoint(path: Path) -> tuple[Checkpoint, Trainer]:
    trainer = Trainer(Fabric(accelerator="cpu", devices=1), model(), OPTIONS)
    return Checkpoint(path, {"code": "abc"}, minutes=5), trainer


def resume(path: Path) -> None:
    file, trainer = checkpoint(path)
    saved = file.read()
    if saved:
        file.restore(saved, trainer)


READERS = {"model.safetensors": load_model, "checkpoint.pt": resume}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that a training writes."""
    folder = tmp_path_factory.mktemp("trained")
    save_model(folder / "model.safetensors", model().state_dict(), ABOUT)
    file, trainer = checkpoint(folder / "checkpoint.pt")
    file.save({"step": 3, "best_weights": model().state_dict()}, trainer)
    return {name: (folder / name).read_bytes() for name in READERS}


@pytest.mark.parametrize("name", READERS)
@cases(short=30, share=0.4)
@given(data=st.data())
def test_a_damaged_model_or_checkpoint_is_read_or_refused(
    trained: dict[str, bytes], name: str, data: Any
) -> None:
    with TemporaryDirectory() as path:
        file = Path(path) / name
        file.write_bytes(data.draw(damaged(trained[name], near=2000)))
        refused(READERS[name], file)


@cases(short=20, share=0.5)
@given(fault=faults, content=damaged(GOOD, near=WAV_HEADER) | odd_sounds)
def test_any_sound_of_the_user_is_read_or_refused(fault: str, content: bytes) -> None:
    with TemporaryDirectory() as path:
        (Path(path) / "door.wav").touch()
        damage_stem(Path(path), "door", fault, content)
        refused(read_sound, Path(path) / "door.wav", 2, RATE_HZ, 2)
