"""The second to listen to: the worst variant's, the same for all, cut from what they answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.sound_set import COLUMNS as SOUND_COLUMNS
from upsampling_artifacts.data.sound_set import TABLE, YOURS
from upsampling_artifacts.models.saved import (
    build_described,
    load_model,
    read_about,
    save_model,
)
from upsampling_artifacts.probes.model_probe import run
from upsampling_artifacts.probes.tone_seconds import (
    COLUMNS,
    Output,
    _moment,
    loudest_moment,
    write_tone_seconds,
)
from upsampling_artifacts.probes.variants import EDGE_SECONDS, Probe

RATE_HZ = 8000
CHUNK = 2048
SIGNALS = ["silence", "near_silence", "noise", "door", "music", "quiet"]


def tone(level_db: float, first: int, time: int = 4 * RATE_HZ) -> np.ndarray:
    """A tone at 2 kHz from ``first`` on, in the second of two channels."""
    signal = np.zeros((2, time))
    signal[1, first:] = 10 ** (level_db / 20) * np.tile([1.0, 1.0, -1.0, -1.0], (time - first) // 4)
    return signal


def test_the_variant_with_the_most_audible_tone_decides() -> None:
    silence = np.zeros((2, 4 * RATE_HZ))
    signals = [silence, tone(-50, first=RATE_HZ), tone(-30, first=3 * RATE_HZ)]
    outputs = [Output(signal, [4]) for signal in signals]
    moment = loudest_moment(outputs, silence, RATE_HZ, tone_hz=2000)
    assert moment[:2] == (1, 3 * RATE_HZ)
    without_the_worst = loudest_moment(outputs[:2], silence, RATE_HZ, tone_hz=2000)
    assert without_the_worst[:2] == (1, RATE_HZ)
    assert moment.tone_margin_db - without_the_worst.tone_margin_db == pytest.approx(20, abs=0.1)


def test_a_second_in_which_the_input_has_the_tone_does_not_count() -> None:
    input = tone(-30, first=3 * RATE_HZ)
    outputs = [Output(input + tone(-50, first=RATE_HZ), [4])]
    moment = loudest_moment(outputs, input, RATE_HZ, tone_hz=2000)
    assert moment.start == RATE_HZ


def test_a_tone_that_is_chance_counts_only_if_there_is_no_other() -> None:
    """Partials 16 Hz apart, one of them at 2 kHz, are louder than the tone that comes later."""
    time = 4 * RATE_HZ
    quiet = tone(-50, first=3 * RATE_HZ)
    partials = np.zeros((2, time))
    seconds = np.arange(RATE_HZ) / RATE_HZ
    for frequency_hz in range(1408, 2848, 16):
        partials[0, :RATE_HZ] += 0.01 * np.sin(2 * np.pi * frequency_hz * seconds + frequency_hz)
    silence = np.zeros((2, time))
    for signal, place in ((partials, (0, 0)), (partials + quiet, (1, 3 * RATE_HZ))):
        moment = loudest_moment([Output(signal, [4])], silence, RATE_HZ, tone_hz=2000)
        assert moment[:2] == place
        assert (moment.tone_margin_db > 0) == (place != (0, 0))


def test_only_variants_whose_layers_can_make_the_tone_decide() -> None:
    probe = Probe("silence", "", np.zeros((2, 4 * RATE_HZ)))
    loud, soft = tone(-30, first=3 * RATE_HZ), tone(-50, first=RATE_HZ)
    for strides, start in (([4], 3 * RATE_HZ), ([3], RATE_HZ), ([], RATE_HZ)):
        outputs = [Output(loud, strides), Output(soft, [2, 4])]
        assert _moment(outputs, probe, RATE_HZ, tone_hz=2000).start == start
    assert _moment([Output(loud, [])], probe, RATE_HZ, tone_hz=2000).start == 3 * RATE_HZ


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> Path:
    stems = 0.05 * np.random.default_rng(0).standard_normal((2, 2, 4 * RATE_HZ))
    return cache_song("song", stems, RATE_HZ)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with one sound of the user: noise."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(1).standard_normal((2 * RATE_HZ, 2))
    soundfile.write(folder / "door.wav", noise, RATE_HZ, subtype="FLOAT")
    row = {"name": "door", "kind": YOURS, "file": "door.wav"}
    pd.DataFrame([row], columns=SOUND_COLUMNS).to_csv(folder / TABLE, index=False)
    return folder


@pytest.fixture
def models(song: Path, tmp_path: Path) -> dict[str, str]:
    """Save a network with biases, which answers silence with tones, and one without. What training
    does to their weights is that it doubles them."""
    paths = {}
    for name, bias in (("with_biases", True), ("without_biases", False)):
        about = {
            "architecture": "demucs", "options": {"channels": 4, "depth": 2, "bias": bias},
            "upsampler": {"name": "transposed", "length": 8},
            "sources": read_cache(song).sources, "audio_channels": 2, "seed": 0,
        }  # fmt: skip
        paths[name] = str(tmp_path / f"{name}.safetensors")
        weights = build_described(about).state_dict()
        save_model(paths[name], {key: 2 * weight for key, weight in weights.items()}, about)
    return paths


def test_every_signal_has_one_second_of_all_variants(
    models: dict[str, str], song: Path, sounds: Path, tmp_path: Path
) -> None:
    csv_path, arrays_path = tmp_path / "tones.csv", tmp_path / "tones.npz"
    write_tone_seconds(
        models, [str(song)], [], sounds, dict.fromkeys(models, CHUNK / RATE_HZ), 1.5, 2000.0,
        csv_path, arrays_path,
    )  # fmt: skip
    table = pd.read_csv(csv_path)
    assert list(table.columns) == COLUMNS
    assert table["signal"].unique().tolist() == SIGNALS
    by_stage = table.groupby(["signal", "stage"], sort=False)
    assert (by_stage["system"].apply(list).map(tuple) == tuple(models)).all()
    before = by_stage.ngroup()[table["stage"] == "initialization"].unique()
    assert before.tolist() == [0, 2]  # silence and near-silence, each followed by the trained ones
    places = ["song", "source", "channel", "start_seconds"]
    assert (table.groupby("signal")[places].nunique(dropna=False) == 1).all(axis=None)
    silence = table[table["signal"] == "silence"]
    levels_db = silence.set_index(["stage", "system"])["level_db"]
    assert np.isneginf(levels_db[:, "without_biases"]).all()
    assert (levels_db[:, "with_biases"] > -80).all()

    with np.load(arrays_path) as file:
        arrays = dict(file)
    assert arrays["rate_hz"] == RATE_HZ
    assert len(arrays["audio"]) == len(arrays["level_db"]) == len(table)
    noise = signals.white_noise(1.5, RATE_HZ, 2)
    rows = table[table["signal"] == "noise"]
    for index, path in zip(rows.index, models.values(), strict=True):
        second = cut(run(load_model(path)[0], noise[None], CHUNK)[0], rows.loc[index])
        heard = arrays["audio"][index]
        np.testing.assert_allclose(heard, second - second.mean(), rtol=0, atol=1e-6)

    # Where the signal is silence, the weights decide.
    settled = signals.silence(1.5 + 2 * EDGE_SECONDS, RATE_HZ, 2)
    initial = build_described(read_about(models["with_biases"])).eval()
    for model, stage in ((initial, 0), (load_model(models["with_biases"])[0], 2)):
        output = run(model, settled[None])[0, :, round(EDGE_SECONDS * RATE_HZ) :]
        second = cut(output, silence.iloc[stage])
        heard = arrays["audio"][silence.index[stage]]
        np.testing.assert_allclose(heard, second - second.mean(), rtol=0, atol=1e-6)
        level_db = arrays["level_db"][silence.index[stage]]
        tone_bin = np.abs(arrays["frequencies_hz"] - 2000).argmin()
        assert level_db[tone_bin] == pytest.approx(silence["level_db"].iloc[stage], abs=0.5)
    assert np.isneginf(arrays["level_db"][silence.index[[1, 3]]]).all()


def cut(output: np.ndarray, row: pd.Series) -> np.ndarray:
    """The second of a row of the table, from ``(sources * channels, time)``."""
    channel = 2 * ["drums", "bass"].index(row["source"]) + row["channel"]
    start = round(row["start_seconds"] * RATE_HZ)
    return output[channel, start : start + RATE_HZ]
