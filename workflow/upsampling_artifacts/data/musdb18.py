"""Read songs in MUSDB18's layouts with the ``musdb`` package, and refuse faulty ones."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS, FULL_SCALE
from upsampling_artifacts.data.checks import residual_db
from upsampling_artifacts.data.layout import package_folder, read_setup, stem_files, stem_weights
from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

EXCERPT = "The Easton Ellises - Falcon 69"
"""A MUSDB18 song; the stempeg package ships six seconds of it as a test file."""

MAX_TRIM_SECONDS, MAX_TRIM_SHARE = 1.0, 0.01
"""Stems whose lengths differ by more than either are assumed not to belong to one song."""


FLOATING_POINT = ("FLOAT", "DOUBLE")
"""libsndfile's names of the wav formats that can hold what is no number."""


@dataclass(frozen=True)
class Origin:
    """The files that the mixture or a source was read from.

    Attributes:
        files: The wav files (several for a mixture of stems), or the ``.stem.mp4`` file.
        samples: Original length; of several stems, that of the longest.
        trimmed_samples: Samples cut from the end because another stem is shorter.
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
        residual_db: RMS of the mixture minus the sum of all stems of the song (sources or not), re
            the RMS of the mixture; -inf if they are equal, NaN if unknown.
        origins: The origin of each row of ``audio``; empty if it was not read from files.
    """

    name: str
    sources: tuple[str, ...]
    audio: np.ndarray
    rate_hz: int
    residual_db: float = float("nan")
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class _Header:
    """What the header of a file states about a stem."""

    where: str
    rate_hz: int
    channels: int
    samples: int


Decoded = tuple[dict[str, Path], dict[str, np.ndarray], int]
"""Each stem's file, each stem as int16 ``(channels, time)``, and the sampling rate."""


def song_path(root: Path, split: str, name: str, stem_format: str | None = None) -> Path:
    """Locate the folder of wav files, or the ``.stem.mp4`` file, of one song.

    Args:
        root: The data set's root; unused for the excerpt, which the stempeg package ships.
        split: "train", "valid", "test" or "excerpt". Validation songs lie beside the training
            songs.
        name: The song's name.
        stem_format: How the data set stores songs, "wav" or "mp4"; None to check which exists.

    Returns:
        The path, whether or not it exists.
    """
    if split == "excerpt":
        return package_folder("stempeg") / "data" / f"{name}.stem.mp4"
    folder = root / ("test" if split == "test" else "train")
    packed = folder / f"{name}.stem.mp4"
    is_packed = packed.exists() if stem_format is None else stem_format == "mp4"
    return packed if is_packed else folder / name


def read_song(
    path: Path, sources: list[str], allow_silent: bool = False, setup: dict | None = None
) -> Recording:
    """Decode one song with ``musdb``, which decodes to 16 bits.

    Stems of different lengths are trimmed to the shortest, which is logged: they start together,
    and the streams of an MP4 may differ by a codec frame. A difference of more than one second, or
    of more than 1 % of the song, indicates a wrong or damaged file.

    Args:
        path: From :func:`song_path`.
        sources: The sources to read, in this order; a target of the setup is mixed from its stems.
        allow_silent: Whether to accept a silent source (training does; museval cannot score it).
        setup: The layout of the data set, from :func:`layout.read_setup`; None for MUSDB18's.

    Returns:
        The song with its mixture and the sources.

    Raises:
        InputError: A file is missing, unreadable, damaged, mono, silent or not finite, or differs
            from the mixture in rate or, by too much, in length; or a source is neither a stem nor a
            target; or ffmpeg is missing.
    """
    require_ffmpeg()
    setup = setup or read_setup("musdb18")
    if not path.exists():
        raise InputError(f"{path}: the song does not exist; put it there")
    if not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: is neither a file nor a folder; replace it")
    decode = _decode_packed if path.name.endswith(".stem.mp4") else _decode_wavs
    files, audio, rate_hz = decode(path, setup)
    name = path.name.removesuffix(".stem.mp4")

    lengths = {stem: samples.shape[1] for stem, samples in audio.items()}
    shortest = min(lengths.values())
    if shortest < max(lengths.values()):
        surplus = ", ".join(f"{s} by {n - shortest}" for s, n in lengths.items() if n > shortest)
        logger.info(f"{name}: stems trimmed to the shortest, {shortest} samples: {surplus}")
    audio = {stem: samples[:, :shortest] for stem, samples in audio.items()}
    stems = [stem for stem in audio if stem != "mixture"]

    rows = np.zeros((1 + len(sources), AUDIO_CHANNELS, shortest), np.float32)
    origins = []
    for row, source in zip(rows, ["mixture", *sources], strict=True):
        try:
            parts = {"mixture": 1.0} if source == "mixture" else stem_weights(source, stems, setup)
        except InputError as error:
            raise InputError(f"{path}: {error}; add the stem") from None
        for stem, weight in parts.items():
            row += np.float32(weight / FULL_SCALE) * audio[stem]
        if not allow_silent and not row.any():
            raise InputError(f"{path}: {source} is silent, and museval cannot score silence")
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
    """Decode wav files; check their headers first, as musdb would skip or stretch faulty ones."""
    files = stem_files(folder, setup)
    headers = {}
    for stem, path in files.items():
        if not path.exists():
            raise InputError(f"{path}: missing; put the stem there")
        if not path.is_file():
            raise InputError(f"{path}: is no file; put the stem there")
        try:
            info = soundfile.info(path)
        except soundfile.SoundFileError as error:
            raise InputError(f"{path}: not a readable wav file ({error}); replace it") from error
        headers[stem] = _Header(str(path), info.samplerate, info.channels, info.frames)
        if info.subtype in FLOATING_POINT:
            _check_finite(path)
    _check_headers(headers)
    names = {stem: str(path.relative_to(folder)) for stem, path in files.items()}
    ids = {stem: index for index, stem in enumerate(names)}
    return files, _decode(folder, names, ids, headers), headers["mixture"].rate_hz


def _check_finite(path: Path) -> None:
    """Refuse samples that are infinite or not a number: ffmpeg makes them full scale."""
    with soundfile.SoundFile(path) as file:
        rate_hz, start = file.samplerate, 0
        for block in file.blocks(2**18, dtype="float32", always_2d=True):
            faulty = ~np.isfinite(block).all(axis=1)
            if faulty.any():
                seconds = (start + int(np.argmax(faulty))) / rate_hz
                raise InputError(
                    f"{path}: a sample at {seconds:.3f} s is infinite or not a number; replace it"
                )
            start += len(block)


def _decode_packed(path: Path, setup: dict) -> Decoded:
    """Decode the streams of a ``.stem.mp4`` file; check their headers first."""
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
                    f"{path}: has {info.nb_audio_streams} audio streams, none of them for {stem} "
                    f"(stem_ids: {index}); replace the file"
                )
            seconds, rate_hz = info.duration(index), info.sample_rate(index)
            where = f"{path}: stream {index} ({stem})"
            header = _Header(where, rate_hz, info.channels(index), round(seconds * rate_hz))
            headers[stem] = header
    except InputError:
        raise
    except (ffmpeg.Error, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a readable .stem.mp4 file; replace it") from error
    _check_headers(headers)
    names = dict.fromkeys(ids, path.name)
    audio = _decode(path, names, ids, headers)
    return dict.fromkeys(ids, path), audio, headers["mixture"].rate_hz


def _check_headers(headers: dict[str, _Header]) -> None:
    mixture = headers["mixture"]
    for stem in headers.values():
        if stem.channels != AUDIO_CHANNELS:
            raise InputError(
                f"{stem.where}: {stem.channels} channel(s), but stereo is required; convert the "
                "song (ffmpeg -i IN.wav -ac 2 OUT.wav)"
            )
        if stem.rate_hz != mixture.rate_hz:
            raise InputError(
                f"{stem.where}: {stem.rate_hz} Hz, but the mixture has {mixture.rate_hz} Hz; "
                f"resample the stem (ffmpeg -i IN.wav -ar {mixture.rate_hz} OUT.wav)"
            )
        _check_length(stem.where, stem.samples, mixture.samples, mixture.rate_hz, "the mixture")


def _check_length(where: str, samples: int, expected: int, rate_hz: int, reference: str) -> None:
    tolerance = min(MAX_TRIM_SECONDS * rate_hz, MAX_TRIM_SHARE * expected)
    if abs(samples - expected) > tolerance:
        raise InputError(
            f"{where}: has {samples} samples, but {reference} has {expected}; they may differ by "
            f"{MAX_TRIM_SECONDS:g} s or {MAX_TRIM_SHARE:.0%}; replace the faulty file"
        )


def _decode(
    path: Path, names: dict[str, str], ids: dict[str, int], headers: dict[str, _Header]
) -> dict[str, np.ndarray]:
    """Decode every stem of a song to int16 ``(channels, time)``.

    musdb runs ffprobe on every file below its root. With a root that holds only this song, and a
    setup file that names only its stems, it starts a handful of processes instead of five hundred.
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
            # stempeg hides ffmpeg's errors about damaged files, so compare with the header.
            _check_length(header.where, len(decoded), header.samples, header.rate_hz, "its header")
            decoded *= FULL_SCALE  # back to ffmpeg's 16 bits: a quarter of the memory
            audio[stem] = decoded.T.astype(np.int16, order="C")
    return audio


def require_ffmpeg() -> None:
    """Check that the programs that musdb, museval and stempeg run are installed.

    Raises:
        InputError: ffmpeg or ffprobe is not on PATH.
    """
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise InputError(
                f"{program} is not on PATH, but musdb needs it to read audio; run `make` (it links "
                "the one from pip into .venv/bin) and activate .venv, or install ffmpeg"
            )
