"""Synthetic songs: layout, determinism, levels, bandwidth, and harmony, rhythm and melody."""

import re
import subprocess
import sys
from itertools import chain, pairwise
from pathlib import Path

import musdb
import numpy as np
import pytest
import soundfile
from scipy.signal import welch
from upsampling_artifacts.data import synthetic_songs
from upsampling_artifacts.data.synthetic_songs import rendering
from upsampling_artifacts.data.synthetic_songs.composition import compose, parse_chord
from upsampling_artifacts.data.synthetic_songs.styles import PHRASES, STYLES
from upsampling_artifacts.errors import InputError

SEED, SECONDS, RATE_HZ = 7, 7.0, 44100
STEMS = ("vocals", "bass", "drums", "other")
# One song of each style, over all splits.
NAMES = synthetic_songs.song_names(6, 1, 2)
RENDERED = [*NAMES["train"], *NAMES["valid"], *NAMES["test"]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic_songs")
    for split, names in NAMES.items():
        for name in names:
            folder = root / ("test" if split == "test" else "train") / name
            synthetic_songs.render_song(name, folder, SEED, SECONDS)
    synthetic_songs.write_setup_file(root, NAMES["valid"])
    return root


def folder_of(root: Path, name: str) -> Path:
    return root / ("test" if name in NAMES["test"] else "train") / name


def read(root: Path, name: str, stem: str) -> np.ndarray:
    """Read a stem as int16 ``(samples, 2)``."""
    return soundfile.read(folder_of(root, name) / f"{stem}.wav", dtype="int16")[0]


def level_db(power: float) -> float:
    return 10 * np.log10(power + 1e-20)


def test_names_are_unique_safe_and_independent_of_the_counts() -> None:
    many = synthetic_songs.song_names(200, 100, 150)
    every = [name for names in many.values() for name in names]
    assert [len(many[split]) for split in ("train", "valid", "test")] == [200, 100, 150]
    assert len({name.casefold() for name in every}) == 450
    assert all(re.fullmatch(r"[A-Za-z]+ [A-Za-z]+ - [A-Za-z]+ [A-Za-z]+( \d)?", n) for n in every)
    for split, names in synthetic_songs.song_names(3, 2, 5).items():
        assert names == many[split][: len(names)]


def test_naming_songs_loads_no_audio_library() -> None:
    code = (
        "import sys; from upsampling_artifacts.data.synthetic_songs import song_names;"
        "song_names(1, 1, 1);"
        "print({'numpy', 'scipy', 'soundfile', 'midirenderer', 'torch'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_splits_share_no_artist_and_train_covers_every_style_evenly() -> None:
    names = synthetic_songs.song_names(12, 6, 6)
    artists = {split: {name.split(" - ")[0] for name in chosen} for split, chosen in names.items()}
    assert not artists["train"] & artists["test"]
    assert not artists["train"] & artists["valid"]
    assert not artists["valid"] & artists["test"]
    for style in STYLES:
        assert sum(n.startswith(style.artists[0]) for n in names["train"]) == 2
        assert sum(n.startswith(style.artists[2]) for n in names["test"]) == 1


def test_patterns_fill_exactly_one_bar() -> None:
    for style in STYLES:
        steps = 4 * style.beat_steps
        comps = [comp.pattern for comp in style.comps]
        for pattern in (*style.groove.values(), *style.lift.values(), *style.bass, *comps):
            assert len(pattern) == steps, (style.artists, pattern)
        for symbols in (*style.major, *style.minor):
            assert len([parse_chord(symbol, 0) for symbol in symbols.split()]) == 4
    for steps, phrases in PHRASES.items():
        for phrase in phrases:
            assert len(phrase) == 2 * steps
            assert phrase[steps] != "-"  # a note held over the bar line would be lost
            assert phrase.endswith("..")


def test_each_song_is_a_folder_of_five_16_bit_stereo_files(root: Path) -> None:
    for name in RENDERED:
        files = sorted(path.name for path in folder_of(root, name).iterdir())
        assert files == sorted(f"{stem}.wav" for stem in ("mixture", *STEMS))
        for file in files:
            info = soundfile.info(folder_of(root, name) / file)
            assert (info.samplerate, info.channels, info.subtype) == (RATE_HZ, 2, "PCM_16")
            assert info.frames == round(SECONDS * RATE_HZ)
    # No partial file stays beside the songs: musdb would take it for a song.
    assert sorted(path.name for path in (root / "test").iterdir()) == sorted(NAMES["test"])


def test_equal_arguments_give_equal_bytes_and_another_seed_gives_others(
    root: Path, tmp_path: Path
) -> None:
    name = NAMES["train"][0]
    synthetic_songs.render_song(name, tmp_path / "again", SEED, SECONDS)
    synthetic_songs.render_song(name, tmp_path / "other seed", SEED + 1, SECONDS)
    for stem in ("mixture", *STEMS):
        first = (folder_of(root, name) / f"{stem}.wav").read_bytes()
        assert first == (tmp_path / "again" / f"{stem}.wav").read_bytes()
        assert first != (tmp_path / "other seed" / f"{stem}.wav").read_bytes()


def test_an_interrupted_rendering_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = soundfile.write, []

    def fail_at_third(path: Path, *arguments: object, **named: object) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *arguments, **named)

    monkeypatch.setattr(soundfile, "write", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        synthetic_songs.render_song(NAMES["test"][0], tmp_path / "song", SEED, 4.0)
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_artist_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Nobody - Nothing"):
        synthetic_songs.render_song("Nobody - Nothing", tmp_path / "song", SEED, SECONDS)


def test_a_song_too_short_for_all_stems_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3\.9 s"):
        synthetic_songs.render_song(NAMES["test"][0], tmp_path / "song", SEED, 3.9)


def test_the_singer_enters_early_in_a_song_of_the_shortest_length() -> None:
    for name in chain(*synthetic_songs.song_names(24, 24, 24).values()):
        song = compose(name, SEED, synthetic_songs.MIN_SECONDS)
        assert notes_of(song, "vocals")[0].start_seconds < 2.5, name


@pytest.mark.parametrize("name", RENDERED)
def test_the_mixture_is_the_sum_of_the_stems_and_does_not_clip(root: Path, name: str) -> None:
    audio = {stem: read(root, name, stem).astype(np.int32) for stem in ("mixture", *STEMS)}
    total = sum(audio[stem] for stem in STEMS)
    np.testing.assert_array_equal(total, audio["mixture"])
    assert -6 < level_db((np.abs(total).max() / 32768) ** 2) < -1
    assert all(np.abs(samples).max() < 0.9 * 32767 for samples in audio.values())


@pytest.mark.parametrize("name", RENDERED)
def test_stems_are_audible_most_of_the_time_at_similar_levels_and_full_bandwidth(
    root: Path, name: str
) -> None:
    levels_db = []
    for stem in ("mixture", *STEMS):
        samples = read(root, name, stem) / 32768
        level = level_db(np.mean(samples**2))
        blocks = samples[: len(samples) // 4410 * 4410].reshape(-1, 4410 * 2)
        blocks_db = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-20)
        assert np.mean(blocks_db > level - 30) > 0.7, stem
        # The noise floor is never digital silence.
        assert blocks_db.min() > -110, stem
        frequency_hz, power = welch(samples.T, RATE_HZ, nperseg=4096)
        power = power.sum(axis=0)
        top_db = level_db(power[frequency_hz >= 16000].sum() / power.sum())
        floor_db = {"mixture": -35, "drums": -30, "vocals": -37, "other": -55, "bass": -60}[stem]
        assert floor_db < top_db < -8, stem
        if stem != "mixture":
            levels_db.append(level)
    assert max(levels_db) - min(levels_db) < 8


def test_the_bass_is_centered_and_the_accompaniment_is_wide(root: Path) -> None:
    for name in RENDERED:
        width = {}
        for stem in ("bass", "other"):
            left, right = (read(root, name, stem) / 32768).T
            width[stem] = np.mean((left - right) ** 2) / np.mean((left + right) ** 2)
        assert width["bass"] < 0.001
        assert width["other"] > 0.01


def every_composition() -> list:
    names = synthetic_songs.song_names(12, 6, 12)
    return [compose(name, SEED, 40.0) for name in chain(*names.values())]


def notes_of(song: object, stem: str) -> list:
    return [note for part in song.parts if part.stem == stem for note in part.notes]


def test_the_bass_plays_the_root_on_every_downbeat() -> None:
    for song in every_composition():
        notes = notes_of(song, "bass")
        for bar in song.bars:
            first = [n for n in notes if -0.001 < n.start_seconds - bar.start_seconds < 0.04]
            assert len(first) == 1
            assert first[0].pitch % 12 == bar.chord[0]
        assert all(26 <= note.pitch <= 52 for note in notes)


def test_the_accompaniment_plays_tones_of_the_bars_chord() -> None:
    for song in every_composition():
        starts = np.array([bar.start_seconds for bar in song.bars])
        for note in notes_of(song, "other"):
            bar = song.bars[int(np.searchsorted(starts, note.start_seconds, "right")) - 1]
            assert note.pitch % 12 in bar.chord


def test_the_melody_has_a_singable_range_small_leaps_and_breaths() -> None:
    for song in every_composition():
        part = next(part for part in song.parts if part.stem == "vocals")
        pitches = [note.pitch for note in part.notes]
        assert 50 <= min(pitches) < max(pitches) <= 77  # D3 to F5
        leaps = np.abs(np.diff(pitches))
        assert np.mean(leaps <= 4) > 0.8
        assert leaps.max() <= 12
        assert len(set(pitches)) >= 5
        gaps = [
            b.start_seconds - a.start_seconds - a.length_seconds for a, b in pairwise(part.notes)
        ]
        assert max(gaps) < 2.5
        assert sum(gap > 0.15 for gap in gaps) >= 3  # the singer breathes


def test_the_melody_sings_a_chord_tone_on_every_downbeat() -> None:
    for song in every_composition():
        notes = notes_of(song, "vocals")
        for bar in song.bars:
            for note in notes:
                if -0.001 < note.start_seconds - bar.start_seconds < 0.04:
                    assert note.pitch % 12 in bar.chord


def test_songs_differ_in_tempo_chords_and_melody() -> None:
    compositions = every_composition()
    tempos = {song.bars[1].start_seconds for song in compositions}
    tunes = {tuple(n.pitch for n in notes_of(song, "vocals")[:16]) for song in compositions}
    roots = {tuple(bar.chord for bar in song.bars[:9]) for song in compositions}
    assert len(tempos) == len(tunes) == len(roots) == len(compositions)


def test_a_longer_song_starts_like_a_shorter_one() -> None:
    name = NAMES["train"][1]
    short, long = (compose(name, SEED, seconds) for seconds in (8.0, 30.0))
    for stem in ("vocals", "bass"):
        n_certain = len(notes_of(short, stem)) // 2 - 4
        assert notes_of(short, stem)[:n_certain] == notes_of(long, stem)[:n_certain]


def test_the_vocals_have_vibrato(root: Path) -> None:
    """The pitch of the longest note varies by tenths of a semitone at 4 to 7 Hz."""
    songs_notes = [
        (note, name)
        for name in RENDERED
        for note in notes_of(compose(name, SEED, SECONDS), "vocals")
        if note.start_seconds + note.length_seconds < SECONDS
    ]
    note, name = max(songs_notes, key=lambda pair: pair[0].length_seconds)
    assert note.length_seconds > 1
    samples = read(root, name, "vocals").mean(axis=1)
    # Demodulate the second harmonic to 0 Hz: the derivative of its phase is the pitch.
    hz = 2 * 440 * 2 ** ((note.pitch - 69) / 12)
    n = round(note.start_seconds * RATE_HZ) + np.arange(round(note.length_seconds * RATE_HZ))
    window = np.hanning(2400) / 1200
    base = np.convolve(samples[n] * np.exp(-2j * np.pi * hz * n / RATE_HZ), window, "same")
    offset_hz = np.diff(np.unwrap(np.angle(base))) * RATE_HZ / (2 * np.pi)
    semitones = 12 * np.log2(1 + np.convolve(offset_hz, window, "same") / hz)
    late = semitones[round(0.5 * RATE_HZ) : -3000]
    # Percentiles, not extremes: the phase jumps where the singer's two voices cancel.
    low, high = np.percentile(late, [5, 95])
    assert 0.4 < high - low < 1.3
    spectrum = np.abs(np.fft.rfft((late - late.mean()) * np.hanning(len(late)), 8 * RATE_HZ))
    assert 4 < np.argmax(spectrum) / 8 < 7


def test_a_legato_note_glides_from_the_previous_note(monkeypatch: pytest.MonkeyPatch) -> None:
    song = compose(NAMES["train"][0], SEED, SECONDS)
    started: list[tuple[int, float]] = []  # pitch, bend in semitones at note-on

    render = rendering._render

    def spy(part: object, events: list[tuple], *rest: int) -> np.ndarray:
        wheel = {}
        for _, _, message in sorted(events, key=lambda event: event[:2]):
            if message.type == "pitchwheel":
                wheel[message.channel] = message.pitch
            elif message.type == "note_on":
                started.append((message.note, wheel[message.channel] / 8191 * 12))
        return render(part, events, *rest)

    monkeypatch.setattr(rendering, "_render", spy)
    singer = [part for part in song.parts if part.stem == "vocals"][:1]
    rendering._sing(singer, np.random.default_rng(0), round(SECONDS * RATE_HZ), RATE_HZ)
    notes = singer[0].notes
    n_legato = 0
    for i, (before, note) in enumerate(pairwise(notes), start=1):
        gap_seconds = note.start_seconds - before.start_seconds - before.length_seconds
        if gap_seconds < 0.03:
            assert started[i][0] == note.pitch
            assert abs(started[i][1] - (before.pitch - note.pitch)) < 0.3
            n_legato += before.pitch != note.pitch
    assert n_legato >= 4


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_musdb_reads_the_splits_targets_and_audio(root: Path, split: str) -> None:
    subsets = {"subsets": "test"} if split == "test" else {"subsets": "train", "split": split}
    database = musdb.DB(root=str(root), is_wav=True, setup_file="mus.yaml", **subsets)
    assert [track.name for track in database] == sorted(NAMES[split])
    track = database[0]
    assert track.rate == RATE_HZ
    for stem in STEMS:
        expected = read(root, track.name, stem) / 32768
        np.testing.assert_allclose(track.targets[stem].audio, expected, atol=1e-6)
    mixture = read(root, track.name, "mixture") / 32768
    np.testing.assert_allclose(track.audio, mixture, atol=1e-6)
    np.testing.assert_allclose(track.targets["linear_mixture"].audio, mixture, atol=1e-6)
    everything_else = mixture - read(root, track.name, "vocals") / 32768
    np.testing.assert_allclose(track.targets["accompaniment"].audio, everything_else, atol=1e-6)
