"""Reading songs in MUSDB18's layouts through the ``musdb`` package, and refusing what is wrong."""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import FULL_SCALE
from upsampling_artifacts.data.checks import residual_db
from upsampling_artifacts.data.layout import parts_of, read_setup, stem_files
from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

EXCERPT = "The Easton Ellises - Falcon 69"
"""A real song of MUSDB18, six seconds of which the stempeg package ships as a test file."""

CHANNELS = 2

LARGEST_TRIM_SECONDS, LARGEST_TRIM_SHARE = 1.0, 0.01
"""Stems that differ in length by more than either of these are not of the same song."""


@dataclass(frozen=True)
class Origin:
    """Which files the mixture or a source was read from.

    Attributes:
        files: The wav files (several, if it was mixed from several stems), or the ``.stem.mp4``.
        samples: Length there; of several stems, of the longest.
        trimmed_samples: How many of them, at the end, another stem of the song does not have.
    """

    files: tuple[Path, ...]
    samples: int
    trimmed_samples: int


@dataclass(frozen=True)
class Recording:
    """One song with all its stems.

    Attributes:
        name: The song's name.
        sources: Names of the stems.
        audio: ``(1 + sources, channels, time)`` float32 re full scale; the mixture comes first.
        rate_hz: Sampling rate.
        residual_db: RMS of the mixture less the sum of all stems that the song has, sources or
            not, re the RMS of the mixture; -inf where they are equal. NaN if it is not known.
        origins: Where each row of ``audio`` comes from; empty if it was not read from files.
    """

    name: str
    sources: tuple[str, ...]
    audio: np.ndarray
    rate_hz: int
    residual_db: float = float("nan")
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class _Header:
    """What a file says of a stem."""

    where: str
    rate_hz: int
    channels: int
    samples: int


Decoded = tuple[dict[str, Path], dict[str, np.ndarray], int]
"""By stem: its file, and int16 ``(channels, time)``; and the sampling rate."""


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


def read_song(
    path: Path, sources: list[str], allow_silent: bool = False, setup: dict | None = None
) -> Recording:
    """Decode one song through ``musdb``, to 16 bits as musdb does.

    Stems that differ in length are cut to the shortest, which is logged: they start together, and
    the streams of an MP4 may differ by a frame of the codec. A difference of more than a second, or
    more than 1 % of the song, is that of a wrong or damaged file.

    Args:
        path: As :func:`song_path` gives it.
        sources: The stems to read, in this order; a target of the setup is mixed from its stems.
        allow_silent: Whether a stem without any sound is acceptable (it is in training; museval
            cannot score it).
        setup: Which stems there are, as :func:`layout.read_setup` gives it; None for MUSDB18's.

    Raises:
        InputError: Naming the file: it is missing, unreadable, damaged, mono or silent, or differs
            from the mixture in rate or, too much, in length; or ffmpeg is missing.
    """
    require_ffmpeg()
    setup = setup or read_setup("musdb18")
    if not path.exists():
        raise InputError(f"{path}: no such song; put it there")
    decode = _decode_packed if path.name.endswith(".stem.mp4") else _decode_wavs
    files, audio, rate_hz = decode(path, setup)
    name = path.name.removesuffix(".stem.mp4")

    lengths = {stem: samples.shape[1] for stem, samples in audio.items()}
    shortest = min(lengths.values())
    if shortest < max(lengths.values()):
        surplus = ", ".join(f"{s} by {n - shortest}" for s, n in lengths.items() if n > shortest)
        logger.info(f"{name}: stems cut to {shortest} samples, the shortest: {surplus}")
    audio = {stem: samples[:, :shortest] for stem, samples in audio.items()}
    stems = [stem for stem in audio if stem != "mixture"]

    rows = np.zeros((1 + len(sources), CHANNELS, shortest), np.float32)
    origins = []
    for row, source in zip(rows, ["mixture", *sources], strict=True):
        try:
            parts = {"mixture": 1.0} if source == "mixture" else parts_of(source, stems, setup)
        except InputError as error:
            raise InputError(f"{path}: {error}; put it there") from None
        for stem, weight in parts.items():
            row += np.float32(weight / FULL_SCALE) * audio[stem]
        if not allow_silent and not row.any():
            raise InputError(f"{path}: {source} is silent throughout, which museval cannot score")
        longest = max(lengths[stem] for stem in parts)
        read_from = tuple(dict.fromkeys(files[stem] for stem in parts))
        origins.append(Origin(read_from, longest, longest - shortest))
    return Recording(
        name,
        tuple(sources),
        rows,
        rate_hz,
        residual_db(audio["mixture"], [audio[stem] for stem in stems]),
        tuple(origins),
    )


def _decode_wavs(folder: Path, setup: dict) -> Decoded:
    """Check all headers before musdb decodes: it would leave out or stretch what is wrong."""
    files = stem_files(folder, setup)
    headers = {}
    for stem, path in files.items():
        if not path.exists():
            raise InputError(f"{path}: missing; put the stem there")
        try:
            info = soundfile.info(path)
        except soundfile.SoundFileError as error:
            raise InputError(f"{path}: not a readable wav file ({error}); replace it") from error
        headers[stem] = _Header(str(path), info.samplerate, info.channels, info.frames)
    _check_headers(headers)
    names = {stem: str(path.relative_to(folder)) for stem, path in files.items()}
    ids = {stem: index for index, stem in enumerate(names)}
    return files, _decode(folder, names, ids, headers), headers["mixture"].rate_hz


def _decode_packed(path: Path, setup: dict) -> Decoded:
    """The same for the streams of a ``.stem.mp4``."""
    import ffmpeg
    import stempeg

    try:
        info = stempeg.Info(str(path))
        ids = {"mixture": 0, **setup["stem_ids"]}
        if setup["sources"] is not None:
            ids = {stem: ids.get(stem) for stem in ["mixture", *setup["sources"]]}
        headers = {}
        for stem, index in ids.items():
            if index not in range(info.nb_audio_streams):
                raise InputError(
                    f"{path}: {info.nb_audio_streams} audio streams, and {stem} is none of them "
                    f"(stem_ids: {index}); replace it"
                )
            seconds, rate_hz = info.duration(index), info.sample_rate(index)
            where = f"{path}: stream {index} ({stem})"
            header = _Header(where, rate_hz, info.channels(index), round(seconds * rate_hz))
            headers[stem] = header
    except (ffmpeg.Error, KeyError) as error:
        raise InputError(f"{path}: not a readable .stem.mp4 file; replace it") from error
    _check_headers(headers)
    names = dict.fromkeys(ids, path.name)
    audio = _decode(path, names, ids, headers)
    return dict.fromkeys(ids, path), audio, headers["mixture"].rate_hz


def _check_headers(headers: dict[str, _Header]) -> None:
    mixture = headers["mixture"]
    for stem in headers.values():
        if stem.channels != CHANNELS:
            raise InputError(
                f"{stem.where}: {stem.channels} channel(s) where stereo is needed; convert the "
                "song (ffmpeg -i IN.wav -ac 2 OUT.wav)"
            )
        if stem.rate_hz != mixture.rate_hz:
            raise InputError(
                f"{stem.where}: {stem.rate_hz} Hz where the mixture has {mixture.rate_hz} Hz; "
                f"resample the stem (ffmpeg -i IN.wav -ar {mixture.rate_hz} OUT.wav)"
            )
        _check_length(stem.where, stem.samples, mixture.samples, mixture.rate_hz, "the mixture has")


def _check_length(where: str, samples: int, expected: int, rate_hz: int, whose: str) -> None:
    tolerance = min(LARGEST_TRIM_SECONDS * rate_hz, LARGEST_TRIM_SHARE * expected)
    if abs(samples - expected) > tolerance:
        raise InputError(
            f"{where}: {samples} samples where {whose} {expected}, which is more than "
            f"{LARGEST_TRIM_SECONDS:g} s or {LARGEST_TRIM_SHARE:.0%} apart; replace what is wrong"
        )


def _decode(
    path: Path, names: dict[str, str], ids: dict[str, int], headers: dict[str, _Header]
) -> dict[str, np.ndarray]:
    """Every stem of a song, int16 ``(channels, time)``.

    musdb asks ffprobe about every file below its root. Shown a root with this one song, it starts a
    handful of processes instead of five hundred; and a setup file for just its stems.
    """
    import musdb  # raises at import if there is no ffmpeg

    setup = {
        "mixture": names["mixture"],
        "sources": {stem: name for stem, name in names.items() if stem != "mixture"},
        "stem_ids": ids,
        "targets": {},
    }
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "mus.yaml").write_text(json.dumps(setup))  # JSON is YAML
        (Path(root) / "test").mkdir()
        (Path(root) / "test" / path.name).symlink_to(path.resolve())
        is_wav = not path.name.endswith(".stem.mp4")
        track = musdb.DB(root=root, setup_file="mus.yaml", subsets=["test"], is_wav=is_wav)[0]
        audio = {}
        for stem, header in headers.items():
            decoded = (track if stem == "mixture" else track.sources[stem]).audio
            # What ffmpeg says of a damaged file, stempeg does not hand on.
            whose = "its header says"
            _check_length(header.where, len(decoded), header.samples, header.rate_hz, whose)
            decoded *= FULL_SCALE  # back to the 16 bits that ffmpeg gave: four times less memory
            audio[stem] = decoded.T.astype(np.int16, order="C")
    return audio


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
