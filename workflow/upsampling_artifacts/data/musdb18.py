"""Reading songs in MUSDB18's layouts through the ``musdb`` package, and checking them."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

EXCERPT = "The Easton Ellises - Falcon 69"
"""A real song of MUSDB18, six seconds of which the stempeg package ships as a test file."""


@dataclass(frozen=True)
class Recording:
    """One song with all its stems.

    Attributes:
        name: The song's name.
        sources: Names of the stems.
        audio: ``(1 + sources, channels, time)`` float32 re full scale; the mixture comes first.
        rate_hz: Sampling rate.
    """

    name: str
    sources: tuple[str, ...]
    audio: np.ndarray
    rate_hz: int


def song_path(root: Path, split: str, name: str, stems: str | None = None) -> Path:
    """The folder of wav files, or the ``.stem.mp4`` file, of one song.

    Args:
        root: The data set's root. The excerpt has none: it lies inside the stempeg package.
        split: "train", "valid", "test" or "excerpt". Validation songs lie with the training
            songs. The excerpt's song is also one of MUSDB18's test songs, whole.
        name: The song's name.
        stems: How songs are stored there, "wav" or "mp4"; None to look.
    """
    if split == "excerpt":
        package = importlib.util.find_spec("stempeg").submodule_search_locations[0]
        return Path(package) / "data" / f"{name}.stem.mp4"
    folder = root / ("test" if split == "test" else "train")
    packed = folder / f"{name}.stem.mp4"
    is_packed = packed.exists() if stems is None else stems == "mp4"
    return packed if is_packed else folder / name


def read_song(path: Path, sources: list[str], allow_silent: bool = False) -> Recording:
    """Decode one song through ``musdb``.

    Args:
        path: As :func:`song_path` gives it.
        sources: The stems to read, in this order.
        allow_silent: Whether a stem without any sound is acceptable (it is in training; museval
            cannot score it).

    Raises:
        InputError: Naming the file: it is missing, unreadable, mono, silent, or its rate or
            length differs from the mixture's; or ffmpeg is missing.
    """
    require_ffmpeg()
    import musdb  # raises at import if there is no ffmpeg

    packed = path.name.endswith(".stem.mp4")
    name = path.name.removesuffix(".stem.mp4")
    if not path.exists():
        raise InputError(f"{path}: no such song; put it there, or leave it out of the data set")
    if not packed:
        _check_wavs(path, sources)
    # musdb asks ffprobe about every file below its root. Shown a root with this one song, it
    # starts a handful of processes instead of five hundred.
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "test").mkdir()
        (Path(root) / "test" / path.name).symlink_to(path.resolve())
        track = musdb.DB(root=root, subsets=["test"], is_wav=not packed).tracks[0]
        for source in sources:
            if source not in track.sources:
                known = ", ".join(track.sources)
                raise InputError(f"{path}: musdb reads no stem '{source}'; sources can be: {known}")
        stems = [track.audio, *(track.sources[source].audio for source in sources)]
    for source, stem in zip(["mixture", *sources], stems, strict=True):
        if not allow_silent and not np.any(stem):
            raise InputError(
                f"{path}: {source} is silent throughout, which museval cannot score; "
                "leave the song out with exclude_songs"
            )
    shortest = min(len(stem) for stem in stems)
    longest = max(len(stem) for stem in stems)
    if shortest < longest:  # the streams of an MP4 may differ by a frame of the codec
        logger.info(f"{name}: stems of {shortest} to {longest} samples, cut to the shortest")
    audio = np.stack([stem[:shortest].T for stem in stems]).astype(np.float32, order="C")
    return Recording(name, tuple(sources), audio, int(track.rate))


def require_ffmpeg() -> None:
    """Check for the programs that musdb, museval and stempeg start.

    Raises:
        InputError: ffmpeg or ffprobe is not on PATH.
    """
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise InputError(
                f"{program} is not on PATH, and musdb needs it to read any audio; run `make` (it "
                "links the pip-provided one into .venv/bin) and activate .venv, or install ffmpeg"
            )


def _check_wavs(folder: Path, sources: list[str]) -> None:
    """Check headers before musdb decodes: it would leave out or stretch what is wrong."""
    mixture = None
    for source in ["mixture", *sources]:
        path = folder / f"{source}.wav"
        if not path.exists():
            raise InputError(f"{path}: missing; put the stem there, or leave the song out")
        try:
            info = soundfile.info(path)
        except soundfile.SoundFileError as error:
            raise InputError(f"{path}: not a readable wav file ({error}); replace it") from error
        mixture = mixture or info
        if info.channels != 2:
            raise InputError(f"{path}: {info.channels} channel(s) where stereo is needed")
        if info.samplerate != mixture.samplerate:
            raise InputError(
                f"{path}: {info.samplerate} Hz where the mixture has {mixture.samplerate} Hz; "
                "resample the stem"
            )
        if info.frames != mixture.frames:
            raise InputError(
                f"{path}: {info.frames} samples where the mixture has {mixture.frames}; "
                "make all stems equally long"
            )
