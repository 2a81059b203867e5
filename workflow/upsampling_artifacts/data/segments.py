"""Training batches: segments of cached songs, remixed on the fly (paper, section 6).

The augmentation is that of the original Demucs recipe (Uhlich et al. 2017; Défossez et al. 2019):
the stems of a batch are exchanged between songs; each stem is shifted in time, flipped in sign, has
its channels swapped and, optionally, its gain changed, all at random. This only decides *which
samples are read* and by which factor they are scaled, so it costs no more than reading them.

Normalization follows the recipe, too: each song is divided by the standard deviation of its whole
mono mixture. The recipe also subtracts that mixture's mean from every stem; we do not, because in
music the mean is negligible (0.0002 standard deviations in the excerpt, at most 0.03 in the
synthetic songs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from upsampling_artifacts.data.cached_song import FULL_SCALE, CachedSong
from upsampling_artifacts.errors import InputError

Batch = tuple[Tensor, Tensor]
"""int16 samples ``(batch, sources, channels, time)`` and factors ``(batch, sources, 1, 1)``."""


def to_waveforms(batch: Batch) -> Tensor:
    """Convert a batch to normalized float32 stems, on the batch's device.

    Conversion happens there and not while loading: int16 halves the bytes copied to a GPU.

    Args:
        batch: On any device.

    Returns:
        ``(batch, sources, channels, time)``; the mixture is the sum over sources.
    """
    samples, factors = batch
    return samples.float() * factors


def _positions(songs: list[CachedSong], needed: int, every: int) -> list[tuple[int, int]]:
    """List all ``(song, first sample)`` from which ``needed`` samples can be read."""
    for song in songs:
        if song.stems.shape[-1] < needed:
            raise InputError(
                f"{song.name}: {song.stems.shape[-1] / song.rate_hz:.2f} s is shorter than a "
                f"segment with its shift ({needed / song.rate_hz:.2f} s); lower segment_seconds"
            )
    return [
        (index, first)
        for index, song in enumerate(songs)
        for first in range(0, song.stems.shape[-1] - needed + 1, every)
    ]


def _factor(song: CachedSong) -> float:
    return 1 / (FULL_SCALE * song.scale)


@dataclass
class TrainingBatches(Dataset[Batch]):
    """The batch of each training step, as a pure function of ``(seed, step)``.

    Resuming therefore needs no loader state, and the number of workers has no effect. An epoch
    visits every position of every song once, in a random order of its own.

    Args:
        songs: Cached training songs, with equal sampling rates and sources.
        segment_seconds: Length of a segment.
        stride_seconds: Distance between the positions that an epoch visits.
        shift_seconds: Largest random delay of a stem.
        batch_size: Segments per batch.
        remix_group: Stems are exchanged within groups of this many segments; 1 disables it.
        seed: Determines the order and the augmentation.
        gain_db: Largest random gain change of a stem, up or down.
        silent_share: Probability that a segment is silence, in all sources.
        part: The part of each batch to read, if several devices share it.
        parts: Number of parts; segment i of a batch belongs to part ``i % parts``.

    Raises:
        InputError: A song is shorter than a segment, or all songs together than a batch.
    """

    songs: list[CachedSong]
    segment_seconds: float
    stride_seconds: float
    shift_seconds: float
    batch_size: int
    remix_group: int
    seed: int
    gain_db: float = 0.0
    silent_share: float = 0.0
    part: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        rate_hz = self.songs[0].rate_hz
        self.samples = round(self.segment_seconds * rate_hz)
        self.shift = round(self.shift_seconds * rate_hz)
        every = max(1, round(self.stride_seconds * rate_hz))
        self.positions = _positions(self.songs, self.samples + self.shift, every)
        if len(self.positions) < self.batch_size:
            raise InputError(
                f"training.batch_size: a batch has {self.batch_size} segments, but the training "
                f"songs hold only {len(self.positions)}; lower batch_size or stride_seconds"
            )
        self.steps_per_epoch = len(self.positions) // self.batch_size

    def __getitem__(self, step: int) -> Batch:
        epoch, step_of_epoch = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.positions))
        order = order[step_of_epoch * self.batch_size :][: self.batch_size]

        n_sources, channels = self.songs[0].stems.shape[:2]
        rng = np.random.default_rng([self.seed, epoch, 1 + step_of_epoch])
        size = (self.batch_size, n_sources)
        shifts = rng.integers(0, self.shift + 1, size)
        signs = rng.choice([-1.0, 1.0], size)
        swaps = rng.integers(0, 2, size, dtype=bool)
        # The segment of the batch that each stem comes from.
        origin = np.tile(np.arange(self.batch_size)[:, None], n_sources)
        for first in range(0, self.batch_size, self.remix_group):
            group = slice(first, first + self.remix_group)
            origin[group] = rng.permuted(origin[group], axis=0)
        # These are drawn last, so that the other draws do not depend on them. Exactly 1 for 0 dB.
        gains = 10 ** (rng.uniform(-self.gain_db, self.gain_db, size) / 20)
        gains[rng.random(self.batch_size) < self.silent_share] = 0

        items = range(self.part, self.batch_size, self.parts)
        samples = np.empty((len(items), n_sources, channels, self.samples), np.int16)
        factors = np.empty((len(items), n_sources, 1, 1), np.float32)
        for row, source in np.ndindex(len(items), n_sources):
            item = items[row]
            song_index, first = self.positions[order[origin[item, source]]]
            song = self.songs[song_index]
            first += shifts[item, source]
            stem = song.stems[source, :, first : first + self.samples]
            samples[row, source] = stem[::-1] if swaps[item, source] else stem
            factors[row, source] = signs[item, source] * gains[item, source] * _factor(song)
        return torch.from_numpy(samples), torch.from_numpy(factors)


@dataclass
class ValidationBatches(Dataset[Batch]):
    """Consecutive segments of the validation songs, without overlap or augmentation.

    Args:
        songs: Cached validation songs.
        segment_seconds: Length of a segment.
        batch_size: Segments per batch; the last batch may hold fewer.

    Raises:
        InputError: A song is shorter than a segment.
    """

    songs: list[CachedSong]
    segment_seconds: float
    batch_size: int

    def __post_init__(self) -> None:
        self.samples = round(self.segment_seconds * self.songs[0].rate_hz)
        self.positions = _positions(self.songs, self.samples, self.samples)

    def __len__(self) -> int:
        return -(-len(self.positions) // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        chosen = self.positions[index * self.batch_size :][: self.batch_size]
        stems = [self.songs[song].stems[..., first:][..., : self.samples] for song, first in chosen]
        factors = [
            np.full((len(stem), 1, 1), _factor(self.songs[song]), np.float32)
            for stem, (song, _) in zip(stems, chosen, strict=True)
        ]
        return torch.from_numpy(np.stack(stems)), torch.from_numpy(np.stack(factors))
