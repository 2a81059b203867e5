"""Clicks at the borders of chunks: discontinuities that recur with an exact period.

A model that processes a recording in chunks and puts them side by side makes a click at each
border, because its convolutions see zeros beyond it. As in the restoration of old recordings
(Godsill & Rayner 1998), a click is a sample that linear prediction from its neighbors does not
explain. Clicks of chunks are told from others by their spacing, which is exact to the sample: beats
are periodic, but an onset stays loud, and a player is not that exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import binom

MAX_RATE_HZ = 25.0
"""More than this per second are not heard one by one, but as a buzz: lines, which ``find_lines``
finds. The lowest note of a piano has 27.5 Hz; a synthetic note has discontinuities, too."""

MIN_CLICKS = 4
"""A period is told from three equal distances at least."""

ORDER = 32
"""Coefficients of linear prediction: two for each of sixteen partials."""

FRAME = 2048
"""Samples for which one prediction holds: about 50 ms."""

# A sample stands out if the prediction misses it by this many standard deviations of the misses
# around it. Gaussian noise does so once in two million samples.
THRESHOLD = 5.0

# The misses around a sample are taken from this many samples on either side, but not from the
# nearest, which belong to the click. The louder side counts: after an onset, that is the note.
NEAR, FAR = 32, 288

MAX_OUTLIERS_PER_SECOND = 100
"""Only the strongest count. Without a limit, rough sounds would consist of outliers."""

FALSE_ALARMS = 1e-3
"""Probability that outliers at random positions have a period, in any signal."""

FLOOR_DB = -100.0
"""Misses this far below the signal's RMS are rounding errors."""

# Beats have outliers beside a phase, too: at these distances, a click has none left.
BESIDE = [sign * shift for shift in range(2 * NEAR, 16 * NEAR, NEAR + 1) for sign in (-1, 1)]

DENSER = 1e-6
"""Chance of outliers between the clicks; up to some hundred shorter periods are tried."""

LOOP_SAMPLES = 1024
LOOP_CORRELATION = 0.3
"""Of unrelated misses in 1,024 samples, the correlation is 0.03, the median of several less."""

MIN_MISS = 0.1
"""In noise, the median of a miss is 0.67 standard deviations."""

BORDER_DB = -80.0
"""Smaller differences re the output are rounding errors."""

CANDIDATES = 30
ALIGNMENT = 8  # samples by which a period may be wrong at first
TOLERANCE = 1  # samples: the largest miss may be the last sample before a border


@dataclass(frozen=True)
class ClickTrain:
    """Clicks with one period.

    Attributes:
        period: Distance from click to click in samples; not a whole number if the sound was
            resampled.
        first: Sample of the first click, counted from the start of the signal; less than a period.
        count: Number of clicks that stand out.
        share: Their share of all multiples of the period in the signal, 0 to 1.
        level_db: What prediction misses at a click, over the RMS of what it misses around it; the
            median of the clicks that stand out.
        chance: Probability that outliers at random positions fit one period as well.
    """

    period: float
    first: int
    count: int
    share: float
    level_db: float
    chance: float


def find_clicks(signal: np.ndarray, rate_hz: float) -> ClickTrain | None:
    """Find clicks that recur with an exact period.

    1. Linear prediction (order 32, from frames of 2048 samples) of the signal's differences.
    2. Samples at which it misses by five standard deviations of the misses around are outliers.
    3. Distances that occur between many pairs of outliers are candidates for the period.
    4. For each, the number of outliers at one phase is compared with the binomial distribution of
       outliers at random positions, as dense as there are in the signal, or beside this phase if
       they are denser there. All periods and phases count as trials.
    5. It is no train of clicks if more outliers lie between, at a fraction of the period: that is
       a buzz, whose lines ``find_lines`` finds. Nor if what follows each click is the same: that is
       a loop of drums.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.

    Returns:
        The train with the smallest chance, or None if no train has a chance below 1/1000.

    Example:
        >>> signal = np.random.default_rng(0).standard_normal((1, 80_000))
        >>> find_clicks(signal, 8000) is None
        True
        >>> signal[0, 1234::5000] += 15
        >>> train = find_clicks(signal, 8000)
        >>> train.period, train.first, train.count
        (5000.0, 1234, 16)
    """
    strength = _strength(signal)
    outliers = _outliers(strength, rate_hz)
    train = _train(strength, outliers, int(np.ceil(rate_hz / MAX_RATE_HZ)))
    if train is None or _is_denser(train, outliers, len(strength)) or _repeats(train, strength):
        return None
    return train


def find_borders(outputs: np.ndarray, shifted: np.ndarray, shift: int) -> ClickTrain | None:
    """Find the borders of chunks in a model's output, given its output to the same input, delayed.

    What a model makes of an input does not depend on when it comes, except where a chunk begins.
    So the outputs differ at the borders alone. Any input shows this, also noise, in which a click
    is not heard.

    Args:
        outputs: ``(channels, time)``.
        shifted: ``(channels, time)``, the output to the delayed input.
        shift: The delay in output samples.

    Returns:
        The borders; ``level_db`` is the RMS of the difference at a border, divided by the square
        root of two, re that of the output. None if the outputs do not differ, differ in half of the
        samples (the model varies with time in another way), or differ without a period.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 80_000))
        >>> outputs, shifted = noise.copy(), np.roll(noise, 700)
        >>> outputs[:, ::5000] = shifted[:, ::5000] = 0
        >>> find_borders(outputs, shifted, 700).period
        5000.0
    """
    time = outputs.shape[-1] - shift
    difference = shifted[:, shift:].astype(np.float64) - outputs[:, :time]
    squares = np.mean(difference**2, axis=0)
    reference = np.mean(outputs.astype(np.float64) ** 2)
    differs = np.flatnonzero(squares > 10 ** (BORDER_DB / 10) * reference)
    if not len(differs) or len(differs) > time / 2:
        return None
    groups = np.split(differs, np.flatnonzero(np.diff(differs) > 2 * NEAR) + 1)
    # The ends of the input are borders, too.
    groups = [group for group in groups if group[0] > NEAR and group[-1] < time - NEAR]
    strength = np.zeros(time)
    for group in groups:
        power = squares[group[0] : group[-1] + 1].mean()
        strength[(group[0] + group[-1] + 1) // 2] = np.sqrt(power / 2 / reference)
    return _train(strength, np.flatnonzero(strength), 4 * NEAR)


def _train(strength: np.ndarray, outliers: np.ndarray, shortest: int) -> ClickTrain | None:
    """The train of outliers with the smallest chance, if that is small enough."""
    time = len(strength)
    longest = time // MIN_CLICKS
    if len(outliers) < MIN_CLICKS or longest <= shortest:
        return None
    # Every period has as many phases as samples.
    n_trials = max(1.0, (longest**2 - shortest**2) / 2)
    trains = [
        _comb(outliers, strength, period, n_trials)
        for period in _periods(outliers, time, shortest, longest)
    ]
    best = min(trains, key=lambda train: train.chance, default=None)
    if best is None or best.chance >= FALSE_ALARMS or best.count < MIN_CLICKS:
        return None
    return _aligned(best, strength)


def _strength(signal: np.ndarray) -> np.ndarray:
    """What prediction misses at each sample, re the RMS around it: the largest of the channels."""
    strength = np.zeros(signal.shape[-1])
    for channel in signal.astype(np.float64):
        missed = np.abs(_prediction_error(np.diff(channel, prepend=channel[:1])))
        floor = 10 ** (FLOOR_DB / 20) * channel.std()
        around = np.maximum(_surroundings(missed), floor)
        np.divide(missed, around, out=missed, where=around > 0)
        strength = np.maximum(strength, missed)
    return strength


def _prediction_error(signal: np.ndarray) -> np.ndarray:
    """``(time,)``: the errors of linear prediction, frame by frame; zeros in the first samples."""
    time = len(signal)
    n_frames = -(-time // FRAME)
    padded = np.pad(signal, (FRAME // 2, n_frames * FRAME - time + FRAME // 2))
    # A prediction is estimated from its frame and half a frame on either side.
    frames = sliding_window_view(padded, 2 * FRAME)[::FRAME] * np.hanning(2 * FRAME)
    spectra = np.abs(rfft(frames, 4 * FRAME)) ** 2
    correlation = irfft(spectra)[:, : ORDER + 1]
    lags = np.abs(np.arange(ORDER)[:, None] - np.arange(ORDER))
    power = correlation[:, :1, None]
    # White noise at -90 dB keeps the equations of pure tones and silence solvable.
    matrices = correlation[:, lags] + np.eye(ORDER) * (1e-9 * power + np.finfo(float).tiny)
    coefficients = np.linalg.solve(matrices, correlation[:, 1:, None])[..., 0]
    history = np.pad(signal, (ORDER, n_frames * FRAME - time))
    past = sliding_window_view(history, ORDER)[:-1].reshape(n_frames, FRAME, ORDER)
    predicted = np.einsum("ftk,fk->ft", past[..., ::-1], coefficients).ravel()[:time]
    error = signal - predicted
    error[:ORDER] = 0
    return error


def _surroundings(missed: np.ndarray) -> np.ndarray:
    """Standard deviation of the misses beside each sample: that of the louder side.

    From medians, which a single click does not affect.
    """
    block = 32
    n_blocks = -(-len(missed) // block)
    padded = np.pad(missed, (0, n_blocks * block - len(missed)), mode="edge")
    blocks = padded.reshape(n_blocks, block)
    count = (FAR - NEAR) // block
    reach = FAR // block
    beyond = np.pad(blocks, ((reach, reach), (0, 0)), mode="symmetric")
    medians = np.median(
        sliding_window_view(beyond, count, axis=0).reshape(-1, block * count), axis=1
    )
    before, after = medians[:n_blocks], medians[reach + 1 + NEAR // block :][:n_blocks]
    return np.repeat(np.maximum(before, after) / 0.6745, block)[: len(missed)]


def _outliers(strength: np.ndarray, rate_hz: float) -> np.ndarray:
    """Positions of the samples that stand out, in ascending order."""
    limit = max(MIN_CLICKS, round(MAX_OUTLIERS_PER_SECOND * len(strength) / rate_hz))
    positions = np.flatnonzero(strength > THRESHOLD)
    if len(positions) > limit:
        strongest = np.argpartition(strength[positions], -limit)[-limit:]
        positions = np.sort(positions[strongest])
    return positions


def _is_denser(train: ClickTrain, outliers: np.ndarray, time: int) -> bool:
    """Whether the outliers have a shorter period, of which that of the train is a multiple.

    Between two clicks, the multiples of the shorter period then hold more outliers than chance
    gives, and at least half as many as there are clicks.
    """
    width = 2 * TOLERANCE + 1
    density = min(1.0, width * len(outliers) / time)
    for parts in range(2, int(train.period / (4 * NEAR)) + 1):
        part = train.period / parts
        places = np.rint((outliers - train.first) / part).astype(int)
        near = np.abs(outliers - train.first - places * part) <= TOLERANCE + 0.5
        between = len(np.unique(places[near & (places % parts != 0)]))
        n_places = int(time / part * (parts - 1) / parts)
        if between > train.count / 2 and binom.sf(between - 1, n_places, density) < DENSER:
            return True
    return False


def _repeats(train: ClickTrain, strength: np.ndarray) -> bool:
    """Whether the same sound follows most clicks: the misses beside them are correlated."""
    first = np.arange(train.first + 4 * NEAR, len(strength) - LOOP_SAMPLES, train.period).astype(
        int
    )
    if len(first) < 2:
        return False
    after = np.log1p(strength[first[:, None] + np.arange(LOOP_SAMPLES)])
    if np.median(after) < MIN_MISS:  # a constant, or silence
        return False
    after = after - after.mean(axis=1, keepdims=True)
    power = np.maximum(np.sum(after**2, axis=1), np.finfo(float).tiny)
    alike = np.sum(after[1:] * after[:-1], axis=1) / np.sqrt(power[1:] * power[:-1])
    return bool(np.median(alike) > LOOP_CORRELATION)


def _aligned(train: ClickTrain, strength: np.ndarray) -> ClickTrain:
    """A train whose period and phase are those at which prediction misses most on average.

    A border affects as many samples as the filters are long, so periods near the right one fit
    nearly as well. A whole number of samples is preferred.
    """
    logarithm = np.log1p(strength**2)
    whole = round(train.period)
    periods = [*range(whole - ALIGNMENT, whole + ALIGNMENT + 1), train.period]
    best = (-np.inf, train.period, train.first)
    for period in periods:
        # Near the middle click, phases and periods are independent.
        middle = train.first + train.period * (len(strength) // 2 // train.period)
        places = np.arange(-(middle // period), (len(strength) - middle) // period + 1)
        shifts = np.arange(-2 * NEAR, 2 * NEAR + 1)
        samples = np.rint(middle + places[:, None] * period + shifts).astype(int)
        # The ends of the signal are borders, too, but not of chunks.
        inside = (samples >= FAR) & (samples < len(strength) - FAR)
        score = np.where(inside, logarithm[np.clip(samples, 0, len(strength) - 1)], 0).sum(axis=0)
        if score.max() > best[0] * (1 + 1e-9):
            best = (score.max(), period, int((middle + shifts[score.argmax()]) % period))
    return replace(train, period=float(best[1]), first=best[2])


def _periods(outliers: np.ndarray, time: int, shortest: int, longest: int) -> list[float]:
    """Distances that occur most often between outliers, each refined at its multiples."""
    marks = np.zeros(next_fast_len(2 * time, real=True))
    marks[outliers] = 1
    pairs = np.rint(irfft(np.abs(rfft(marks)) ** 2, len(marks)))[:time]
    # Two outliers of one train may each be off by a sample.
    pairs = np.convolve(pairs, [1, 2, 3, 2, 1], "same")
    pairs[:shortest] = 0
    lags = np.argsort(pairs[: longest + 1])[::-1][: 5 * CANDIDATES]
    periods: list[float] = []
    for lag in lags[pairs[lags] > 0]:
        if all(abs(lag - known) > 2 for known in periods):
            periods.append(float(lag))
    return [_refined(period, pairs) for period in periods[:CANDIDATES]]


def _refined(period: float, pairs: np.ndarray) -> float:
    """A period from the distance of outliers that are many periods apart."""
    multiple = 2
    refined = period
    while round(multiple * refined) + 2 < len(pairs) * 3 // 4:
        lag = round(multiple * refined)
        near = np.arange(lag - 2, lag + 3)
        if pairs[near].max() == 0:
            break
        refined = float(near[pairs[near].argmax()]) / multiple
        multiple *= 2
    return refined


def _comb(outliers: np.ndarray, strength: np.ndarray, period: float, n_trials: float) -> ClickTrain:
    """The train of one period at its best phase, and its chance."""
    time = len(strength)
    phases = np.mod(outliers, period)
    order = np.sort(phases)
    wrapped = np.concatenate([order, order + period])
    width = 2 * TOLERANCE + 1
    inside = np.searchsorted(wrapped, order + width - 0.5) - np.arange(len(order))
    phase = order[int(inside.argmax())] + TOLERANCE

    def hits(shift: float) -> np.ndarray:
        distance = np.mod(outliers - phase - shift + period / 2, period) - period / 2
        return outliers[np.abs(distance) <= TOLERANCE + 0.5]

    clicks = hits(0)
    index = np.rint((clicks - phase) / period).astype(int)
    n_hit = len(np.unique(index))
    n_places = int((time - phase % period) // period) + 1
    beside = np.mean([len(hits(shift)) for shift in BESIDE]) / n_places
    density = max(width * len(outliers) / time, float(beside))
    chance = float(binom.sf(n_hit - 1, n_places, min(1.0, density)))
    levels_db = 20 * np.log10(strength[clicks])
    return ClickTrain(
        period=period,
        first=round(phase % period),
        count=n_hit,
        share=n_hit / n_places,
        level_db=float(np.median(levels_db)),
        chance=min(1.0, chance * n_trials),
    )
