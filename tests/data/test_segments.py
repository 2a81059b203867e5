"""Training segments, tested on songs whose samples encode their own position."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from upsampling_artifacts.data.cached_song import FULL_SCALE, CachedSong, read_cache
from upsampling_artifacts.data.segments import (
    Batch,
    TrainingBatches,
    ValidationBatches,
    to_waveforms,
)
from upsampling_artifacts.errors import InputError

RATE_HZ = 1000
TIME = 2048
N_SONGS, N_SOURCES, CHANNELS = 4, 2, 2
SCALES = (0.1, 0.2, 0.25, 0.4)


def traced_songs(time: int = TIME) -> list[CachedSong]:
    """Return songs whose samples are position + 2048 * (channel + 2 * (source + 2 * song))."""
    shape = (N_SONGS, N_SOURCES, CHANNELS, time)
    pcm = np.ravel_multi_index(np.indices(shape), (N_SONGS, N_SOURCES, CHANNELS, TIME))
    pcm = pcm.astype(np.int16)
    names = ("drums", "bass")
    return [
        CachedSong(f"song {i}", RATE_HZ, names, SCALES[i], stems.sum(axis=0), stems)
        for i, stems in enumerate(pcm)
    ]


def trace(samples: Tensor) -> tuple[np.ndarray, ...]:
    """Decode ``(song, source, channel, position)`` of samples."""
    return np.unravel_index(samples.numpy(), (N_SONGS, N_SOURCES, CHANNELS, TIME))


def training_batches(songs: list[CachedSong] | None = None, **changes: object) -> TrainingBatches:
    options = {
        "segment_seconds": 0.1,
        "stride_seconds": 0.2,
        "shift_seconds": 0.15,
        "batch_size": 6,
        "remix_group": 3,
        "seed": 0,
    }
    return TrainingBatches(traced_songs() if songs is None else songs, **options | changes)


def visited(batches: TrainingBatches, batch: Batch) -> list[list[tuple[int, int]]]:
    """Return ``[source][item]``: song and position (start of the segment before the shift)."""
    song, _, _, position = trace(batch[0][..., 0, 0])
    every = round(batches.stride_seconds * RATE_HZ)
    return [
        list(zip(song[:, s], position[:, s] // every * every, strict=True))
        for s in range(N_SOURCES)
    ]


def test_a_batch_has_the_documented_shapes_and_types() -> None:
    samples, factors = training_batches()[0]
    assert samples.shape == (6, N_SOURCES, CHANNELS, 100)
    assert samples.dtype == torch.int16
    assert factors.shape == (6, N_SOURCES, 1, 1)
    assert factors.dtype == torch.float32


def test_every_segment_is_contiguous_in_one_stem() -> None:
    batches = training_batches()
    for step in range(2 * batches.steps_per_epoch):
        song, source, channel, position = trace(batches[step][0])
        assert (song == song[:, :, :1, :1]).all()
        assert (source == np.arange(N_SOURCES)[:, None, None]).all()
        assert (np.sort(channel[..., 0], axis=-1) == [0, 1]).all()
        assert (channel == channel[..., :1]).all()
        assert (np.diff(position, axis=-1) == 1).all()
        assert (position[:, :, 0] == position[:, :, 1]).all()


def test_without_remixing_and_shifts_a_segment_is_that_of_the_song() -> None:
    songs = traced_songs()
    batches = training_batches(songs, shift_seconds=0, remix_group=1)
    samples, factors = batches[0]
    for item, by_source in zip(samples, factors, strict=True):
        song, _, _, position = (index.flat[0] for index in trace(item[:, :, :1]))
        for source, factor in enumerate(by_source.flatten().tolist()):
            stem = songs[song].stems[source, :, position : position + 100]
            read = item[source].numpy()
            assert (read == stem).all() or (read == stem[::-1]).all()
            assert abs(factor) == pytest.approx(1 / (FULL_SCALE * SCALES[song]))


def test_waveforms_are_scaled_by_the_song_and_the_sign() -> None:
    samples = torch.tensor([[[[FULL_SCALE // 2]], [[-FULL_SCALE]]]], dtype=torch.int16)
    factors = torch.tensor([[[[1 / FULL_SCALE]], [[-2 / FULL_SCALE]]]])
    assert to_waveforms((samples, factors)).flatten().tolist() == [0.5, 2.0]


def test_a_normalized_song_has_a_mono_mixture_of_standard_deviation_one(
    cache_song: Callable[..., Path],
) -> None:
    rng = np.random.default_rng(0)
    middle, sides = 0.05 * rng.standard_normal((2, 4000))
    bass = 0.02 * rng.standard_normal((2, 4000))
    stems = np.stack([[middle + sides, middle - sides], bass]) + 0.01  # a DC offset has no effect
    song = read_cache(cache_song("song", stems))
    batch = ValidationBatches([song], segment_seconds=4.0, batch_size=1)[0]
    waveforms = to_waveforms(batch)[0].numpy()
    mixture = waveforms.sum(axis=0)
    assert mixture.mean(axis=0).std() == pytest.approx(1, abs=1e-3)
    assert (
        mixture[0].std() > 1.2
    )  # only the mono mixture has 1: each channel also contains the side signal
    np.testing.assert_allclose(waveforms * song.scale, stems, atol=1 / FULL_SCALE)


def test_an_epoch_visits_every_position_at_most_once() -> None:
    batches = training_batches()
    # Starts at 0, 200, ... as long as 100 samples and a shift of 150 fit into 2048.
    expected = {(song, first) for song in range(N_SONGS) for first in range(0, 1799, 200)}
    assert set(batches.positions) == expected
    assert batches.steps_per_epoch == len(expected) // 6 == 6
    for epoch in range(2):
        steps = range(epoch * 6, epoch * 6 + 6)
        by_source = [visited(batches, batches[step]) for step in steps]
        for source in range(N_SOURCES):
            seen = [start for starts in by_source for start in starts[source]]
            assert len(seen) == len(set(seen)) == 36
            assert set(seen) <= expected


def test_every_epoch_and_every_seed_has_a_different_order() -> None:
    def order(epoch: int, seed: int = 0) -> list[tuple[int, int]]:
        batches = training_batches(remix_group=1, seed=seed)
        steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
        return [start for step in steps for start in visited(batches, batches[step])[0]]

    orders = [order(0), order(1), order(2), order(0, seed=1), sorted(order(0))]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


@pytest.mark.parametrize(("batch_size", "group"), [(6, 3), (6, 4), (6, 100), (5, 2)])
def test_stems_are_permuted_within_groups(batch_size: int, group: int) -> None:
    batches = training_batches(batch_size=batch_size, remix_group=group)
    n_mixed = 0
    for step in range(batches.steps_per_epoch):
        by_source = visited(batches, batches[step])
        for first in range(0, batch_size, group):
            sets = [sorted(starts[first : first + group]) for starts in by_source]
            assert all(len(set(starts)) == len(starts) for starts in sets)
            assert sets[0] == sets[1]
        n_mixed += sum(a != b for a, b in zip(*by_source, strict=True))
    assert n_mixed > batches.steps_per_epoch


def test_in_groups_of_one_the_stems_of_a_song_stay_together() -> None:
    batches = training_batches(remix_group=1)
    for step in range(batches.steps_per_epoch):
        by_source = visited(batches, batches[step])
        assert by_source[0] == by_source[1]


def test_shifts_cover_their_range_and_differ_between_stems() -> None:
    batches = training_batches(remix_group=1)
    shifts = [
        trace(batches[step][0][..., 0, 0])[3] % 200 for step in range(20 * batches.steps_per_epoch)
    ]
    shifts = np.concatenate(shifts)
    assert (shifts.min(), shifts.max()) == (0, 150)
    assert abs(shifts.mean() - 75) < 5
    assert np.mean(shifts[:, 0] == shifts[:, 1]) < 0.1


def test_signs_and_channels_flip_half_the_time_and_independently() -> None:
    batches = training_batches()
    signs, swaps = [], []
    for step in range(40 * batches.steps_per_epoch):
        samples, factors = batches[step]
        signs.append(factors[:, :, 0, 0].numpy() < 0)
        swaps.append(trace(samples[..., 0])[2][..., 0] == 1)
    signs, swaps = np.concatenate(signs), np.concatenate(swaps)
    for flips in (signs, swaps):
        assert np.abs(flips.mean(axis=0) - 0.5).max() < 0.05
        assert abs(np.mean(flips[:, 0] == flips[:, 1]) - 0.5) < 0.05
    assert abs(np.mean(signs == swaps) - 0.5) < 0.05


def equal(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_gains_are_uniform_in_decibels_and_change_only_the_factors() -> None:
    plain, louder = training_batches(), training_batches(gain_db=6.0)
    gains = []
    for step in range(20 * plain.steps_per_epoch):
        (samples, factors), (same_samples, scaled) = plain[step], louder[step]
        assert torch.equal(samples, same_samples)
        gains.append(20 * torch.log10(scaled / factors)[:, :, 0, 0].numpy())
    gains = np.concatenate(gains)
    np.testing.assert_allclose([gains.min(), gains.max()], [-6, 6], atol=0.1)
    # Uniform over the range, and independent for each stem.
    assert np.abs(np.histogram(gains, 4, (-6, 6))[0] / gains.size - 0.25).max() < 0.04
    assert abs(np.corrcoef(gains.T)[0, 1]) < 0.1


def test_a_share_of_the_segments_is_silent_in_all_sources() -> None:
    plain, share = training_batches(), 0.25
    batches = training_batches(silent_share=share)
    n_silent = n_segments = 0
    for step in range(40 * plain.steps_per_epoch):
        (samples, factors), (plain_samples, plain_factors) = batches[step], plain[step]
        assert torch.equal(samples, plain_samples)  # no other draw changes
        silent = (factors == 0).all(dim=1).flatten()
        assert torch.equal(factors[~silent], plain_factors[~silent])
        assert not to_waveforms((samples, factors))[silent].any()
        assert to_waveforms((samples, factors))[~silent].any(dim=-1).all()
        n_silent, n_segments = n_silent + int(silent.sum()), n_segments + len(silent)
    # Four standard deviations of a binomial share.
    assert n_silent / n_segments == pytest.approx(
        share, abs=4 * np.sqrt(share * (1 - share) / n_segments)
    )


def test_batches_are_the_same_as_in_earlier_versions() -> None:
    # Recorded before gain_db existed: training that resumes must get the batches it started with.
    batches, digest = training_batches(), hashlib.sha256()
    for step in (0, 1, 5, 6, 40):
        for part in batches[step]:
            digest.update(part.numpy().tobytes())
    assert digest.hexdigest().startswith("a1548fc21f029b7f")


def test_a_batch_depends_only_on_seed_and_step() -> None:
    batches, same, other = training_batches(), training_batches(), training_batches(seed=1)
    steps = [0, 1, 5, 6, 7, 40]
    for step in reversed(steps):
        assert equal(batches[step], same[step])
        assert not equal(batches[step], other[step])
        # Not only the order differs, but also the augmentation.
        assert not torch.equal(batches[step][1].sign(), other[step][1].sign())
    assert equal(pickle.loads(pickle.dumps(batches))[7], batches[7])
    for i in steps:
        assert not any(equal(batches[i], batches[j]) for j in steps if j != i)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_batches_do_not_depend_on_workers_and_devices(num_workers: int, parts: int) -> None:
    def load(first: int, part: int) -> list[Batch]:
        batches = training_batches(gain_db=3.0, silent_share=0.3, part=part, parts=parts)
        sampler = range(first, 9)  # steps of two epochs
        return list(DataLoader(batches, sampler=sampler, batch_size=None, num_workers=num_workers))

    all_batches = [training_batches(gain_db=3.0, silent_share=0.3)[step] for step in range(9)]
    for part in range(parts):
        expected = [tuple(tensor[part::parts] for tensor in batch) for batch in all_batches]
        for first in (0, 4):  # from the start, and resumed
            loaded = load(first, part)
            assert len(loaded) == 9 - first
            assert all(equal(a, b) for a, b in zip(loaded, expected[first:], strict=True))


def test_a_song_shorter_than_a_segment_with_its_shift_is_an_input_error() -> None:
    assert training_batches(traced_songs(time=250), batch_size=4).steps_per_epoch == 1
    with pytest.raises(InputError, match=r"^song 0: 0.25 s is .*segment_seconds$"):
        training_batches(traced_songs(time=249), batch_size=4)
    with pytest.raises(InputError, match=r"^song 0: 0.10 s is shorter"):
        ValidationBatches(traced_songs(time=99), 0.1, 2)


def test_fewer_positions_than_a_batch_are_an_input_error() -> None:
    assert training_batches(batch_size=36).steps_per_epoch == 1
    with pytest.raises(
        InputError, match=r"^training.batch_size: .* 37 segments, .* only 36; lower"
    ):
        training_batches(batch_size=37)


@pytest.mark.parametrize("batch_size", [1, 7, 80, 1000])
def test_validation_visits_every_segment_once_without_augmentation(batch_size: int) -> None:
    songs = traced_songs()
    valid = ValidationBatches(songs, 0.1, batch_size)
    batches = [valid[index] for index in range(len(valid))]
    samples = torch.cat([batch[0] for batch in batches])
    factors = torch.cat([batch[1] for batch in batches])
    assert len(samples) == N_SONGS * 20  # in 2048 samples; the last 48 are too short for a segment
    expected = np.concatenate(
        [song.stems[..., :2000].reshape(N_SOURCES, CHANNELS, 20, 100).transpose(2, 0, 1, 3)
         for song in songs]
    )  # fmt: skip
    np.testing.assert_array_equal(samples.numpy(), expected)
    scales = np.repeat(SCALES, 20)[:, None] * np.ones(N_SOURCES)
    np.testing.assert_allclose(factors[:, :, 0, 0], 1 / (FULL_SCALE * scales), rtol=1e-6)
    assert all(len(batch[0]) == batch_size for batch in batches[:-1])
