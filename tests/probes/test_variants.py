"""Probes of trained variants, built from a seed or read from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.artifacts.measures import measure_sources
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.sound_set import COLUMNS as SOUND_COLUMNS
from upsampling_artifacts.data.sound_set import LEVEL, TABLE, YOURS
from upsampling_artifacts.models.saved import (
    build_described,
    save_model,
    save_without_silence,
)
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    PLAYBACK_DB_SPL,
    VARIANT_COLUMNS,
)
from upsampling_artifacts.probes.model_probe import probe_model, run
from upsampling_artifacts.probes.variants import (
    EDGE_SECONDS,
    QUIET_SECONDS,
    Probe,
    measure_treble,
    probe_variant,
)

RATE_HZ = 8000
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}

AS_VARIANT = {"unit_rms_db_spl": PLAYBACK_DB_SPL, "prominence_ratio": False}
LABELS = ["model", "seed", "stage", "step", "arithmetic", "implementation", "precision"]


@pytest.fixture(autouse=True)
def sounds(tmp_path: Path) -> dict[str, np.ndarray]:
    """Four sounds in files, of which three are probed: noise of RMS 1."""
    rng, rows = np.random.default_rng(5), []
    noises = {}
    for name, kind in (
        ("logarithmic_sweep", ""), ("impulses", ""), ("pink_noise", ""), ("door", YOURS)
    ):  # fmt: skip
        noises[name] = rng.standard_normal((2, round(1.2 * RATE_HZ)), np.float32)
        path = tmp_path / "sounds" / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, LEVEL * noises[name].T, RATE_HZ, subtype="FLOAT")
        rows.append({"name": name, "kind": kind, "file": path.name})
    pd.DataFrame(rows, columns=SOUND_COLUMNS).to_csv(tmp_path / "sounds" / TABLE, index=False)
    return noises


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> Path:
    """Long enough for a quiet passage with its context."""
    stems = 0.05 * np.random.default_rng(0).standard_normal((2, 2, round(3.5 * RATE_HZ)))
    return cache_song("song", stems, RATE_HZ)


def probed(folder: Path, song: Path, **changes: object) -> pd.DataFrame:
    arguments = {
        "system": SYSTEM,
        "name": "mine",
        "seed": 3,
        "model_path": None,
        "songs": [str(song)],
        "excerpts": [],
        "sounds": song.parents[1] / "sounds",
        "segment_seconds": 0.256,
        "signal_seconds": 1.2,
        "csv_path": folder / "measures.csv",
        "arrays_path": folder / "spectrograms.npz",
    }
    probe_variant(**arguments | changes)
    return pd.read_csv(folder / "measures.csv")


def test_a_system_without_upsampling_layers_is_measured_at_the_others_tones(
    song: Path, tmp_path: Path
) -> None:
    sizes = {"n_fft": 256, "hop": 64, "hidden": 4, "max_bin": None}
    system = {"architecture": "open_unmix", "options": sizes, "upsampler": None}
    table = probed(tmp_path, song, system=system)
    chosen = (table["measure"] == "line_prominence") & (table["layer"] == "output")
    lines = table[chosen & (table["arithmetic"] == "separation")]
    assert set(lines["frequency_hz"]) == {RATE_HZ / 4, RATE_HZ / 2}
    noise = lines[lines["signal"] == "noise"]["value"]
    assert (noise < 15).all()  # no layer makes a tone


def described(song: Path, seed: int) -> dict:
    return {**SYSTEM, "sources": read_cache(song).sources, "audio_channels": 2, "seed": seed}


def test_a_variant_is_probed_with_every_signal(song: Path, tmp_path: Path) -> None:
    table = probed(tmp_path, song)
    assert list(table.columns) == VARIANT_COLUMNS
    assert table[LABELS].drop_duplicates().values.tolist() == [
        ["mine", 3, "initialization", 0, "separation", "-", "32-true"]
    ]
    assert table["signal"].unique().tolist() == [
        "silence", "near_silence", "noise", "sweep", "music",
    ]  # fmt: skip
    assert table["song"].dropna().unique().tolist() == ["song"]
    assert (table["signal"] == "music").equals(table["song"].notna())
    of_sources = table[table["source"].notna()]
    assert set(of_sources["source"]) == {"drums", "bass"}
    treble = table[table["measure"] == "treble_level"]
    assert treble[["signal", "layer", "frequency_hz"]].values.tolist() == [
        ["noise", "output", RATE_HZ / 8], ["music", "output", RATE_HZ / 8],
    ]  # fmt: skip
    assert set(of_sources["frequency_hz"]) == {RATE_HZ / 4, RATE_HZ / 2}
    assert not table["measure"].str.endswith(("chance", "tone_margin", "ratio")).any()


def test_the_treble_of_all_sources_together_is_compared_with_that_of_the_input() -> None:
    time = np.arange(RATE_HZ) / RATE_HZ
    bass, treble = (np.sin(2 * np.pi * hz * time).astype(np.float32) for hz in (500, 3000))
    probe = Probe("music", "song", np.stack([bass + treble] * 2))
    # Two sources of two channels: alone, each has too much treble; together, half the amplitude.
    output = np.stack([bass + 2 * treble] * 2 + [-1.5 * treble] * 2)
    [row] = measure_treble(probe, output, 2, RATE_HZ).to_dict("records")
    assert (row["measure"], row["frequency_hz"]) == ("treble_level", 1000)
    assert row["value"] == pytest.approx(20 * np.log10(0.5), abs=1e-6)


def test_a_derived_model_is_probed_like_any_other(song: Path, tmp_path: Path) -> None:
    """Without its response to silence, its answer to silence is exactly zero."""
    trained, derived = saved(song, tmp_path), tmp_path / "derived.safetensors"
    save_without_silence(derived, trained)
    levels = []
    for path in (trained, derived):
        table = probed(tmp_path, song, model_path=str(path))
        rows = table[(table["measure"] == "line_level") & (table["layer"] == "output")]
        rows = rows[rows["frequency_hz"] == RATE_HZ / 4].dropna(subset="source")
        levels.append(rows.groupby("signal")["value"].max())
    assert levels[1]["silence"] == -np.inf
    assert np.isfinite(levels[0]["silence"])
    assert levels[1]["near_silence"] < levels[0]["near_silence"] - 20


def saved(song: Path, folder: Path, **changes: object) -> Path:
    """A model with its initial weights, as if it had been trained."""
    about = described(song, 3) | changes
    path = folder / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    return path


def test_a_trained_variant_is_probed_with_sounds_unlike_the_songs_too(
    song: Path, tmp_path: Path
) -> None:
    table = probed(tmp_path, song, model_path=saved(song, tmp_path), excerpts=[str(song)])
    # There is no speech without a synthesizer; pink noise is not probed.
    assert table["signal"].unique().tolist() == [
        "silence", "near_silence", "noise", "sweep", "impulses", "door", "music", "quiet",
        "excerpt",
    ]  # fmt: skip
    assert (table["signal"].isin(["music", "quiet", "excerpt"])).equals(table["song"].notna())
    new = table[table["signal"].isin(["impulses", "door", "quiet", "excerpt"])]
    output = new[new["layer"] == "output"]
    assert set(output["source"].dropna()) == {"drums", "bass"}
    joint = output[output["source"].isna()]
    chances = {"line_prominence_chance", "masking_margin_chance"}
    assert set(joint["measure"]) == {*chances, "tone_margin"}
    assert chances <= set(new[new["layer"] == "input"]["measure"])
    assert set(new["layer"]) == {"input", "output"}
    key = [*LABELS, "signal", "song", "layer", "source", "measure", "frequency_hz"]
    assert not table.duplicated(key).any()


@pytest.mark.parametrize("signal", ["door", "noise"])
def test_the_tones_of_a_source_are_those_of_its_channels(
    song: Path, tmp_path: Path, sounds: dict[str, np.ndarray], signal: str
) -> None:
    path = saved(song, tmp_path)
    table = probed(tmp_path, song, model_path=path)
    fed = sounds["door"] if signal == "door" else signals.white_noise(1.2, RATE_HZ, 2)
    output = run(build_described(described(song, 3)).eval(), fed[None], chunk=2048)[0]
    strides = [4, 16]
    expected = measure_sources(
        {"drums": output[:2], "bass": output[2:]}, RATE_HZ, strides, PLAYBACK_DB_SPL
    )
    expected["input"] = measure_sources({"x": fed}, RATE_HZ, strides, PLAYBACK_DB_SPL)[""]
    rows = table[table["signal"] == signal].fillna({"source": ""})
    for source, values in expected.items():
        layer, name = ("input", "") if source == "input" else ("output", source)
        chosen = rows[(rows["layer"] == layer) & (rows["source"] == name)]
        found = chosen.set_index(["measure", "frequency_hz"])["value"]
        for measure, frequency_hz, value, _ in values:
            assert found[measure, frequency_hz] == pytest.approx(value, rel=1e-4, nan_ok=True)


def test_a_quiet_passage_is_probed_with_the_music_around_it(song: Path, tmp_path: Path) -> None:
    """So the network has settled, and no edge of the passage sounds."""
    table = probed(tmp_path, song, model_path=saved(song, tmp_path))
    cached = read_cache(song)
    passage = signals.quiet_passage(cached, QUIET_SECONDS, EDGE_SECONDS)
    edge = round(EDGE_SECONDS * RATE_HZ)
    output = run(build_described(described(song, 3)).eval(), passage[None], chunk=2048)[0]
    [*expected] = measure_sources(
        {"drums": output[:2, edge:-edge]}, RATE_HZ, [4, 16], PLAYBACK_DB_SPL
    )["drums"]
    chosen = (table["signal"] == "quiet") & (table["source"] == "drums")
    found = table[chosen].set_index(["measure", "frequency_hz"])["value"]
    for measure, frequency_hz, value, _ in expected:
        assert found[measure, frequency_hz] == pytest.approx(value, rel=1e-4, nan_ok=True)


def measured(table: pd.DataFrame, signal: str) -> pd.DataFrame:
    """The measures of all sources together that any model has."""
    chosen = (table["signal"] == signal) & table["source"].isna()
    chosen &= table["measure"] != "treble_level"
    return table[chosen][COLUMNS].reset_index(drop=True)


@pytest.mark.parametrize("signal", ["noise", "music"])
def test_noise_and_music_are_processed_in_chunks_as_in_separation(
    song: Path, tmp_path: Path, signal: str
) -> None:
    table = probed(tmp_path, song)
    model = build_described(described(song, 3)).eval()
    music = signals.music(read_cache(song), 1.2)
    assert music.std() == pytest.approx(1.4, abs=0.1)  # two channels, re their mean
    fed = {signal: music if signal == "music" else signals.white_noise(1.2, RATE_HZ, 2)}
    result = probe_model(model, fed, RATE_HZ, chunk=2048, **AS_VARIANT)
    pd.testing.assert_frame_equal(measured(table, signal), result.measures, rtol=1e-5)
    arrays = np.load(tmp_path / "spectrograms.npz")
    assert arrays["tones_hz"].tolist() == [500 * k for k in range(1, 9)]
    np.testing.assert_array_equal(arrays[f"{signal}_db"], result.arrays[f"{signal}_db"])


def test_quiet_is_processed_in_one_piece_whose_ends_are_not_measured(
    song: Path, tmp_path: Path
) -> None:
    edge = round(EDGE_SECONDS * RATE_HZ)
    fed = {"near_silence": signals.near_silence(1.2 + 2 * EDGE_SECONDS, RATE_HZ, 2)}
    model = build_described(described(song, 3)).eval()
    result = probe_model(model, fed, RATE_HZ, edge=edge, **AS_VARIANT)
    table = probed(tmp_path, song)
    pd.testing.assert_frame_equal(measured(table, "near_silence"), result.measures, rtol=1e-5)


def test_every_song_is_probed(song: Path, cache_song: Callable[..., Path], tmp_path: Path) -> None:
    stems = 0.05 * np.random.default_rng(1).standard_normal((2, 2, 2 * RATE_HZ))
    other = cache_song("other", stems, RATE_HZ)
    table = probed(tmp_path, song, songs=[str(song), str(other)])
    music = table[table["signal"] == "music"]
    levels = music[(music["measure"] == "line_level") & (music["layer"] == "output")]
    levels_db = levels.groupby("song")["value"].mean()
    assert levels_db.index.tolist() == ["other", "song"] and levels_db.nunique() == 2


REPORTED = {
    "silence": ["line_level", "audibility_margin"],
    "near_silence": ["line_level", "audibility_margin", "masking_margin"],
}


@pytest.mark.parametrize("signal", REPORTED)
def test_what_is_reported_of_quiet_does_not_depend_on_the_length_of_the_probe(
    song: Path, tmp_path: Path, signal: str
) -> None:
    """A prominence does: it grows with the length, and in silence it is re rounding errors."""
    figures = []
    for seconds in (2, 4, 8, 16):
        table = probed(tmp_path, song, signal_seconds=seconds)
        chosen = (table["signal"] == signal) & (table["layer"] == "output")
        chosen &= (table["frequency_hz"] == RATE_HZ / 4) & (table["source"] == "drums")
        values = table[chosen].set_index("measure")["value"]
        assert ("line_prominence" in values) == (signal != "silence")
        figures.append(values[REPORTED[signal]])
    spread_db = pd.concat(figures, axis=1).agg(np.ptp, axis=1)
    assert (spread_db < 1).all(), spread_db


def test_the_verdict_on_a_network_without_biases_comes_from_near_silence(
    song: Path, tmp_path: Path
) -> None:
    unbiased = SYSTEM | {"options": SYSTEM["options"] | {"bias": False}}
    table = probed(tmp_path, song, system=unbiased)
    chosen = (table["measure"] == "line_level") & (table["layer"] == "output")
    levels_db = table[chosen].set_index(["signal", "frequency_hz"])["value"].sort_index()
    assert (levels_db["silence"] == -np.inf).all()
    assert np.isfinite(levels_db["near_silence"]).all()


def test_a_trained_model_is_read_from_its_file(song: Path, tmp_path: Path) -> None:
    path = saved(song, tmp_path, step=41)
    initial = probed(tmp_path / "initial", song)
    trained = probed(tmp_path / "trained", song, model_path=path, seed=99)
    assert (trained["stage"] == "trained").all() and (trained["seed"] == 99).all()
    assert (trained["step"] == 41).all()
    pd.testing.assert_frame_equal(
        trained.merge(initial[[*COLUMNS, "song", "source"]])[COLUMNS], initial[COLUMNS]
    )
    other = probed(tmp_path / "other", song, seed=4)
    assert not other[COLUMNS].equals(initial[COLUMNS])


def test_a_transposed_convolution_makes_tones_from_silence_only_with_biases(
    song: Path, tmp_path: Path
) -> None:
    def silence_values(system: dict, measure: str) -> pd.Series:
        table = probed(tmp_path, song, system=system)
        chosen = (table["signal"] == "silence") & (table["measure"] == measure)
        chosen &= table["layer"] != "input"
        return table[chosen].set_index("frequency_hz")["value"]

    assert (silence_values(SYSTEM, "line_level")[[2000, 4000]] > -60).all()
    unbiased = SYSTEM | {"options": SYSTEM["options"] | {"bias": False}}
    for measure in ("line_level", "offset_level"):
        levels_db = silence_values(unbiased, measure)
        assert len(levels_db) and (levels_db == -np.inf).all()


NEAREST = SYSTEM | {"upsampler": {"name": "nearest", "length": 9, "implementation": "fused"}}


def test_a_fused_layer_is_probed_as_it_runs_and_as_two_layers(song: Path, tmp_path: Path) -> None:
    path = saved(song, tmp_path, **NEAREST, precision="bf16-mixed", batch_size=2)
    table = probed(tmp_path, song, model_path=path)
    # Only what separates is compared with chance, and probed with everything.
    new = table["measure"].isin(["tone_margin", "masking_margin_chance"]) | (
        table["signal"] == "quiet"
    )
    assert set(table[new]["arithmetic"]) == {"separation"}
    assert table[LABELS[4:]].drop_duplicates().values.tolist() == [
        ["separation", "fused", "32-true"],
        ["training", "fused", "bf16-mixed"],
        ["reference", "plain", "32-true"],
    ]
    noise = table[(table["signal"] == "noise") & (table["layer"] == "output")]
    offsets_db = noise[noise["measure"] == "offset_level"].set_index("arithmetic")["value"]
    assert offsets_db["separation"] == pytest.approx(offsets_db["reference"], abs=1e-3)
    assert abs(offsets_db["training"] - offsets_db["reference"]) > 1e-3  # bfloat16 rounds more
