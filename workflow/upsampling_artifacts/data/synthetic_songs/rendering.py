"""Render a composition: its notes become the audio of four stems."""

from __future__ import annotations

import io
from functools import reduce
from importlib.resources import files
from itertools import pairwise
from math import gcd

import midirenderer
import numpy as np
import soundfile
from mido import Message, MidiFile, MidiTrack
from scipy.signal import butter, iirpeak, lfilter, oaconvolve, resample_poly, sosfilt

from upsampling_artifacts.data.synthetic_songs.composition import Composition, Note, Part
from upsampling_artifacts.data.synthetic_songs.styles import CYMBALS, LONG_CYMBALS

STEMS = ("vocals", "bass", "drums", "other")
STEM_LEVEL_DB = {"vocals": 0.0, "bass": -1.5, "drums": 0.0, "other": -1.5}
# Wet-to-dry amplitude ratio of the room; the bass is mixed dry.
ROOM_WET = {"vocals": 0.22, "bass": 0.0, "drums": 0.12, "other": 0.16}
HISS_DB = -52.0  # of the room and the microphone, re the stem's level
SOUND_FONT = files("pretty_midi") / "TimGM6mb.sf2"
DRUM_CHANNEL = 9
TICKS_PER_SECOND = 10_000  # 0.1 ms: finer than human timing
BEND_RANGE_SEMITONES = 12.0
BEND_STEP_SECONDS = 0.005
# The noise of consonants, picks, keys and sticks: MIDI keys that make it, amplitude, decay in
# seconds, lead before the note in seconds. The sound font was recorded at low rates and ends near
# 12 kHz; this adds what a close microphone picks up above that.
ALL_KEYS = frozenset(range(128))
STRIKE_NOISE = {
    "vocals": ((ALL_KEYS, 0.35, 0.03, 0.06),),
    "bass": ((ALL_KEYS, 0.1, 0.006, 0.0),),
    "drums": (
        (CYMBALS - LONG_CYMBALS, 0.5, 0.03, 0.0),
        (LONG_CYMBALS, 0.25, 0.25, 0.0),
        (ALL_KEYS - CYMBALS, 0.3, 0.02, 0.0),
    ),
    "other": ((ALL_KEYS, 0.08, 0.01, 0.0),),
}
# The first three formants of "ah", "oh" and "eh": frequency in Hz, amplitude.
VOWELS = (
    ((780, 1.0), (1200, 0.6), (2800, 0.35)),
    ((480, 1.0), (850, 0.5), (2700, 0.25)),
    ((520, 1.0), (1850, 0.6), (2600, 0.4)),
)


def render_stems(
    song: Composition, rng: np.random.Generator, seconds: float, rate_hz: int
) -> dict[str, np.ndarray]:
    """Render the stems; the loudest peak of stems and sum is 1 to 3 dB below full scale.

    Args:
        song: The composition.
        rng: Draws levels, vowels, noise and rooms.
        seconds: Length of the stems.
        rate_hz: Sampling rate, above 12 kHz.

    Returns:
        Each stem as int16 ``(samples, 2)``.
    """
    n_samples = round(seconds * rate_hz)
    stems = {}
    for stem in STEMS:
        parts = [part for part in song.parts if part.stem == stem]
        if stem == "vocals":
            audio = _sing(parts, rng, n_samples, rate_hz)
        else:
            audio = reduce(np.add, [_play(part, n_samples, rate_hz) for part in parts])
        audio = audio / _rms(audio)
        # All parts of the vocals sing the same notes.
        notes = parts[0].notes if stem == "vocals" else [n for part in parts for n in part.notes]
        audio += _strike_noise(stem, notes, rng, n_samples, rate_hz)[:, None]
        if stem == "drums":  # soft clipping, as by a bus compressor
            audio = 4 * np.tanh(audio / 4)
        audio = _add_room(audio, ROOM_WET[stem], rng, rate_hz)
        audio += _gain(HISS_DB) * rng.standard_normal(audio.shape)
        level_db = STEM_LEVEL_DB[stem] + rng.uniform(-1.5, 1.5)
        stems[stem] = audio * (_gain(level_db) / _rms(audio))
    # A stem may peak above the sum, where another cancels it.
    mixture = reduce(np.add, stems.values())
    peak = max(np.abs(audio).max() for audio in (mixture, *stems.values()))
    scale = _gain(rng.uniform(-2.8, -1.2)) * 32767 / peak
    return {name: np.round(audio * scale).astype(np.int16) for name, audio in stems.items()}


def _gain(level_db: float) -> float:
    return 10 ** (level_db / 20)


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(audio**2)))


def _render(part: Part, events: list[tuple], n_samples: int, rate_hz: int) -> np.ndarray:
    """Synthesize ``events``, each (seconds, order, MIDI message), as audio ``(samples, 2)``."""
    track = MidiTrack()
    for channel in (0, 1, DRUM_CHANNEL):
        track.append(Message("program_change", channel=channel, program=part.program))
        # Volume, with headroom for the loudest chord; pan; no reverb or chorus: we add a room.
        controls = {7: 120, 10: round(127 * part.pan), 91: 0, 93: 0}
        # The pitch bend range is registered parameter 0: its number, then its value.
        controls |= {101: 0, 100: 0, 6: round(BEND_RANGE_SEMITONES)}
        track += [
            Message("control_change", channel=channel, control=control, value=value)
            for control, value in controls.items()
        ]
    end = (n_samples / rate_hz, 3, Message("note_off", channel=0, note=0))
    ticks = 0
    for event_seconds, _, message in sorted([*events, end], key=lambda event: event[:2]):
        event_ticks = max(ticks, round(event_seconds * TICKS_PER_SECOND))
        track.append(message.copy(time=event_ticks - ticks))
        ticks = event_ticks
    # MIDI's default tempo is two beats per second.
    midi, file = MidiFile(ticks_per_beat=TICKS_PER_SECOND // 2, tracks=[track]), io.BytesIO()
    midi.save(file=file)
    wav = midirenderer.render_wave_from(SOUND_FONT.read_bytes(), file.getvalue())
    audio, rendered_hz = soundfile.read(io.BytesIO(wav))
    common = gcd(rate_hz, rendered_hz)
    audio = resample_poly(audio, rate_hz // common, rendered_hz // common)[:n_samples]
    return _gain(part.gain_db) * np.pad(audio, ((0, n_samples - len(audio)), (0, 0)))


def _key_events(note: Note, channel: int) -> list[tuple]:
    key = {"channel": channel, "note": note.pitch}
    return [
        (note.start_seconds + note.length_seconds, 0, Message("note_off", **key)),
        (note.start_seconds, 2, Message("note_on", **key, velocity=note.velocity)),
    ]


def _play(part: Part, n_samples: int, rate_hz: int) -> np.ndarray:
    channel = DRUM_CHANNEL if part.stem == "drums" else 0
    events = [event for note in part.notes for event in _key_events(note, channel)]
    return _render(part, events, n_samples, rate_hz)


def _sing(parts: list[Part], rng: np.random.Generator, n_samples: int, rate_hz: int) -> np.ndarray:
    """Sing a melody with slides, vibrato, vowels and dynamics; centered, ``(samples, 2)``."""
    notes = parts[0].notes
    legato = [False] + [
        note.start_seconds - last.start_seconds - last.length_seconds < 0.06
        for last, note in pairwise(notes)
    ]
    events, vibrato_hz = [], rng.uniform(4.9, 5.9)
    for i, note in enumerate(notes):
        # Alternate two channels: bending a note must not bend the release of the previous one.
        events += _key_events(note, i % 2)
        from_semitones = notes[i - 1].pitch - note.pitch if legato[i] else -0.7
        times = np.arange(0, note.length_seconds, BEND_STEP_SECONDS)
        slide = from_semitones * 0.5 * (1 + np.cos(np.pi * np.clip(times / 0.08, 0, 1)))
        vibrato = 0.4 * np.clip((times - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * vibrato_hz * times)
        bend = (slide + vibrato + rng.normal(0, 0.05)) / BEND_RANGE_SEMITONES
        wheel = np.clip(8191 * bend, -8192, 8191).astype(int)
        events += [
            (note.start_seconds + seconds, 1, Message("pitchwheel", channel=i % 2, pitch=value))
            for seconds, value in zip(times, wheel.tolist(), strict=True)
        ]
    dry = reduce(np.add, [_render(part, events, n_samples, rate_hz) for part in parts]).mean(axis=1)

    # Dynamics: each note swells and fades. Vowels: one per note, gliding into the next.
    shape = np.array([(0.0, 0.75), (0.35, 1.0), (0.9, 0.7)])
    times = np.concatenate([n.start_seconds + n.length_seconds * shape[:, 0] for n in notes])
    voice = dry * _curve(times, np.tile(shape[:, 1], len(notes)), n_samples, rate_hz)
    vowels = rng.integers(len(VOWELS), size=len(notes))
    onsets = np.array([note.start_seconds for note in notes])
    sung = 0.25 * voice
    for vowel, formants in enumerate(VOWELS):
        is_sung = np.repeat(vowels == vowel, 2).astype(float)
        ends = np.append(onsets[1:], np.inf)
        times = np.stack([onsets + 0.03, np.minimum(ends - 0.03, 1e6)], axis=1).ravel()
        source = voice * _curve(times, is_sung, n_samples, rate_hz)
        for formant_hz, amplitude in formants:
            sung += amplitude * lfilter(*iirpeak(formant_hz, 6, rate_hz), source)
    # A compressor evens out notes that hit a formant; breath noise follows the voice.
    envelope = lfilter([0.002], [1, -0.998], np.abs(sung))
    envelope /= envelope.mean()
    sung /= _rms(sung) * np.sqrt(envelope + 0.1)
    sung += 0.02 * np.minimum(envelope, 2) * _bright_noise(rng, n_samples, rate_hz, 3000)
    return np.stack([sung, sung], axis=1)


def _curve(times: np.ndarray, values: np.ndarray, n_samples: int, rate_hz: int) -> np.ndarray:
    return np.interp(np.arange(n_samples) / rate_hz, times, values)


def _bright_noise(
    rng: np.random.Generator, n_samples: int, rate_hz: int, low_cut_hz: float
) -> np.ndarray:
    sos = butter(2, low_cut_hz, "highpass", fs=rate_hz, output="sos")
    return sosfilt(sos, rng.standard_normal(n_samples))


def _strike_noise(
    stem: str, notes: list[Note], rng: np.random.Generator, n_samples: int, rate_hz: int
) -> np.ndarray:
    """Return the noise of the note onsets ``(samples,)``, for a stem of unit RMS."""
    strikes = np.zeros(n_samples)
    for keys, amplitude, decay_seconds, ahead_seconds in STRIKE_NOISE[stem]:
        impulses = np.zeros(n_samples)
        for note in notes:
            first = max(0, round((note.start_seconds - ahead_seconds) * rate_hz))
            if first < n_samples and note.pitch in keys:
                # Not every syllable starts with an "s", and no two strokes are the same.
                impulses[first] += amplitude * (note.velocity / 100) ** 2 * rng.uniform(0.1, 1)
        strikes += lfilter([1], [1, -np.exp(-1 / (decay_seconds * rate_hz))], impulses)
    # Rise over 2 ms: a click would have a broader spectrum than these sounds.
    envelope = lfilter([0.011], [1, -0.989], strikes)
    return envelope * _bright_noise(rng, n_samples, rate_hz, 6000)


def _add_room(audio: np.ndarray, wet: float, rng: np.random.Generator, rate_hz: int) -> np.ndarray:
    """Add the reverberation of a small room, different in each channel, to ``(samples, 2)``."""
    if not wet:
        return audio
    times = np.arange(round(0.35 * rate_hz)) / rate_hz
    response = rng.standard_normal((len(times), 2)) * np.exp(-times / 0.07)[:, None]
    response *= wet / np.sqrt(np.sum(response**2, axis=0))
    return audio + oaconvolve(audio, response, axes=0)[: len(audio)]
