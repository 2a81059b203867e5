"""Anyone's model or sound through the one call: what it finds, writes, says and refuses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import upsampling_artifacts
from upsampling_artifacts.api import FileProbe, ModelProbe, marks, probe
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model

from .toy_models import Doubler, Filter, Returns, Upsampler, Vocoder

RATE_HZ = 8000
A_MODEL = Upsampler()
QUICK = {"rate_hz": RATE_HZ, "seconds": 1.5}
COLUMNS = ["model", "seed", "stage", "signal", "layer", "measure", "frequency_hz", "value", "unit"]


def value(found: ModelProbe, measure: str, signal: str, frequency_hz: float) -> float:
    """One measured value of the output, mean over seeds."""
    table = found.measures
    rows = table[
        (table["layer"] == "output")
        & (table["measure"] == measure)
        & (table["signal"] == signal)
        & np.isclose(table["frequency_hz"], frequency_hz)
    ]
    assert not rows.empty
    return rows["value"].mean()


@pytest.fixture(scope="module")
def found() -> ModelProbe:
    """A small model with a transposed convolution of stride 4, three seeds."""
    return probe("tests.toy_models:Upsampler", options={"channels": 2}, channels=2,
                 seeds=[0, 1, 2], **QUICK)  # fmt: skip


def test_the_package_offers_it_and_stays_cheap_to_import() -> None:
    assert upsampling_artifacts.probe is probe
    code = "import sys, upsampling_artifacts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'prob'"):
        _ = upsampling_artifacts.prob


def test_tables_name_the_model_and_its_seeds(found: ModelProbe) -> None:
    assert list(found.measures.columns) == COLUMNS
    assert set(found.measures["model"]) == {"tests.toy_models:Upsampler"}
    assert list(found.measures["seed"].unique()) == [0, 1, 2]
    assert set(found.measures["stage"]) == {"initialization"}
    assert list(found.measures["signal"].unique()) == ["silence", "ones", "noise", "sweep"]
    assert found.layers.drop(columns="model").to_numpy().tolist() == [
        ["down", "convolution", "down", 4],
        ["up", "transposed", "up", 4],
    ]
    assert {"output", "down", "up"} <= set(found.measures["layer"])


def test_tones_are_predicted_measured_and_said(found: ModelProbe) -> None:
    np.testing.assert_allclose(found.tones_hz, [2000, 4000])
    assert value(found, "line_prominence", "ones", 2000) > 60
    text = repr(found)
    assert "up    transposed, up x4" in text
    assert "Tones must stand at multiples of 2000 Hz" in text
    assert "± 95 % interval over seeds" in text
    assert [line for line in text.splitlines() if line.startswith("     2000.0 Hz rate/4")]
    assert "No other stationary narrow line was found." in text
    assert "at multiples of rate" not in text


def test_a_model_without_upsampling_has_no_tone_to_predict() -> None:
    found = probe(Filter(), **QUICK)
    assert found.layers.empty and not len(found.tones_hz)
    assert found.name == "Filter"
    assert "No layer changes the rate along time." in repr(found)
    assert "No other stationary narrow line was found." in repr(found)


def whistling(x: torch.Tensor) -> torch.Tensor:
    time = torch.arange(x.shape[-1])
    return x + 0.1 * torch.sin(2 * torch.pi * 1234.5 / RATE_HZ * time)


def test_a_tone_that_nobody_predicted_is_found_and_said() -> None:
    text = repr(probe(Returns(whistling), **QUICK))
    assert "Other stationary narrow lines: 3:" in text
    assert "1234.5 Hz  silence   -23.0 dB" in text


def test_a_tone_of_a_period_beyond_the_predicted_is_explained_by_it() -> None:
    """Two layers of stride 4 and 25: tones of the first, 80 Hz apart, are not all predicted."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv1d(1, 8, 50, 50), torch.nn.ConvTranspose1d(8, 8, 25, 25),
        torch.nn.ReLU(), torch.nn.ConvTranspose1d(8, 1, 4, 4),
    )  # fmt: skip
    found = probe(model, **QUICK)
    np.testing.assert_allclose(found.tones_hz, [2000, 4000])
    assert "at multiples of rate/100, the product of all upsampling strides (" in repr(found)
    assert "No other stationary narrow line was found." in repr(found)


def test_super_resolution_is_fed_at_its_own_rate() -> None:
    found = probe(Doubler(), **QUICK)
    np.testing.assert_allclose(found.tones_hz, [4000])
    assert found.arrays["times_seconds"][-1] == pytest.approx(1.5, abs=0.1)


def test_a_vocoder_is_fed_features() -> None:
    found = probe(Vocoder(bins=20), channels=20, input_kind="features", **QUICK)
    np.testing.assert_allclose(found.tones_hz, RATE_HZ / 64 * np.arange(1, 33))
    assert list(found.measures["signal"].unique()) == ["silence", "ones", "noise"]
    assert found.arrays["times_seconds"][-1] == pytest.approx(1.5, abs=0.1)
    assert value(found, "line_prominence", "silence", 2000) > 60  # the biases' own


def test_music_is_one_more_signal_whatever_its_level(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).standard_normal((3 * 16000, 2))
    levels = []
    for level in (0.1, 0.001):
        soundfile.write(tmp_path / "music.wav", level * sound, 16000, subtype="DOUBLE")
        found = probe(A_MODEL, music=tmp_path / "music.wav", **QUICK)
        assert "music_db" in found.arrays
        levels.append(value(found, "line_level", "music", 2000))
    assert levels[0] == pytest.approx(levels[1], abs=0.01)


def test_the_seed_says_what_is_found_and_the_random_state_is_left_alone() -> None:
    model = Returns(lambda x: x + 0.1 * torch.randn_like(x))
    torch.manual_seed(3)
    first = probe(model, seeds=[5], **QUICK).measures
    torch.rand(7)
    before = torch.get_rng_state()
    pd.testing.assert_frame_equal(probe(model, seeds=[5], **QUICK).measures, first)
    assert torch.equal(torch.get_rng_state(), before)


def test_files_are_written(found: ModelProbe, tmp_path: Path) -> None:
    probe("tests.toy_models:Upsampler", options={"channels": 2}, channels=2, out=tmp_path / "out",
          seeds=[0], stage="trained", **QUICK)  # fmt: skip
    names = ["layers.csv", "measures.csv", "spectrograms.png", "spectrograms.svg", "summary.txt"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    written = pd.read_csv(tmp_path / "out/measures.csv")
    assert list(written.columns) == COLUMNS
    assert set(written["stage"]) == {"trained"}
    first = found.measures[found.measures["seed"] == 0]
    np.testing.assert_allclose(written["value"], first["value"], rtol=1e-5)
    assert list(pd.read_csv(tmp_path / "out/layers.csv")["kind"]) == ["convolution", "transposed"]


def test_the_figure_marks_what_is_predicted_and_what_nothing_explains(found: ModelProbe) -> None:
    assert marks(found) == ([2000, 4000], {})
    predicted, others = marks(probe(Returns(whistling), **QUICK))
    assert predicted == []
    assert set(others) == {"silence", "ones", "noise"}
    for lines_hz in others.values():
        assert lines_hz == pytest.approx([1234.5], abs=0.2)
    torch.manual_seed(0)
    up = torch.nn.ConvTranspose1d(8, 1, 100, 100)
    deep = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 100, 100), up)
    predicted, others = marks(probe(deep, **QUICK))
    assert predicted == [] and others == {}  # found at rate/100, as one would expect


# models that ship in packages


def test_torchaudio_s_hybrid_demucs() -> None:
    options = {"sources": ["vocals", "rest"], "channels": 8}
    found = probe("torchaudio.models:HDemucs", options=options, channels=2, rate_hz=44100,
                  seconds=1.5)  # fmt: skip
    up = found.layers[found.layers["direction"] == "up"]
    assert up[["kind", "stride"]].to_numpy().tolist() == [
        ["transposed", 2], *[["transposed", 4]] * 5, ["istft", 1024],
    ]  # fmt: skip
    np.testing.assert_allclose(found.tones_hz, 44100 / 64 * np.arange(1, 33))
    assert value(found, "line_prominence", "noise", 11025) > 20
    assert "at multiples of rate/1024, the hop of the inverse Fourier transform" in repr(found)
    assert "No other stationary narrow line was found." in repr(found)


def test_open_unmix_has_no_tones() -> None:
    """It masks a spectrogram: no layer of it upsamples but the inverse Fourier transform."""
    found = probe("openunmix:umxhq", options={"pretrained": False, "targets": ["vocals", "drums"]},
                  channels=2, rate_hz=44100, seconds=1.5)  # fmt: skip
    assert found.layers[["kind", "stride"]].to_numpy().tolist() == [["stft", 1024], ["istft", 1024]]
    assert not len(found.tones_hz)
    text = repr(found)
    assert "No layer of which tones are predicted." in text
    assert "No other stationary narrow line was found." in text


# sounds


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """What an untrained Demucs makes of noise, as a file."""
    model = build_model("demucs", {"channels": 8, "depth": 2}, {"name": "transposed"},
                         n_sources=1, audio_channels=1, seed=0).eval()  # fmt: skip
    noise = torch.randn(1, 1, 3 * RATE_HZ, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        sound = model(noise)[0, 0, 0].numpy()
    path = tmp_path / "stem.wav"
    soundfile.write(path, sound / np.abs(sound).max(), RATE_HZ)
    return path


def test_a_stem_of_a_model_with_a_transposed_convolution_tells_on_it(stem: Path) -> None:
    found = probe(stem, out=stem.parent / "out")
    assert isinstance(found, FileProbe)
    assert (found.rate_hz, found.channels, found.seconds) == (RATE_HZ, 1, 3.0)
    assert 4 in set(found.lines["stride"])
    text = repr(found)
    assert "rate/4: strides 4, 8, 16, 20, 32, 40, 64" in text
    assert "where an upsampling layer puts tones (expected by chance: " in text
    predicted, others = marks(found)
    assert 2000 in np.round(predicted) and others == {"file": []}
    names = ["lines.csv", "spectrograms.png", "spectrograms.svg", "summary.txt"]
    assert sorted(path.name for path in (stem.parent / "out").iterdir()) == names
    written = pd.read_csv(stem.parent / "out/lines.csv")
    np.testing.assert_allclose(written["frequency_hz"], found.lines["frequency_hz"], rtol=1e-5)


def test_the_rate_of_the_model_may_be_another(stem: Path) -> None:
    assert "rate/2: strides 2" in repr(probe(stem, rate_hz=RATE_HZ / 2))
    with pytest.raises(InputError, match="rate_hz: is -1; a positive rate, or none, is needed"):
        probe(stem, rate_hz=-1)


def test_of_a_long_file_the_middle_is_looked_at(tmp_path: Path, caplog) -> None:
    sound = np.random.default_rng(0).standard_normal(80 * 2000) / 10
    sound[60 * 2000 :] += np.resize([0.1, 0, -0.1, 0], 20 * 2000)  # heard for 10 of 60 seconds
    soundfile.write(tmp_path / "long.wav", sound, 2000)
    caplog.set_level("INFO")
    found = probe(tmp_path / "long.wav")
    assert f"{found.name}: the middle 60 of 80 s are looked at" in caplog.messages
    assert found.lines.empty
    assert "No stationary narrow line was found." in repr(found)


# what is refused


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        (3, {}, "target: a int; a torch.nn.Module, 'package.module:factory' or the path of an "
         "audio file is needed"),
        ("no/such.wav", {}, "no/such.wav: no such file; an audio file or package.module:factory "
         "is needed"),
        (Filter(), {"rate_hz": None}, "rate_hz: is None; the sampling rate of the model's output "
         "is needed"),
        (Filter(), {"rate_hz": 0}, "rate_hz: is 0; the sampling rate of the model's output is "
         "needed"),
        (Filter(), {"input_kind": "mel"}, "input_kind: unknown 'mel'; known: audio, features"),
        (Vocoder(), {"input_kind": "features"}, "channels: the number of bins of the features is "
         "needed"),
        (Filter(), {"channels": 0}, "channels: is 0; 1 or more are needed"),
        (Vocoder(), {"input_kind": "features", "channels": 20, "music": "x.wav"},
         "music: is audio, and the model's input is features; leave it out"),
        (Filter(), {"options": {"a": 1}}, "options: are for a factory; the model is already built"),
        (Filter(), {"seeds": []}, "seeds: at least one is needed"),
        (Filter(), {"seeds": [0, 1]}, "seeds: a model that is already built has one set of weights;"
         " give 'package.module:factory', or one seed"),
        (Filter(), {"seconds": 1.4}, "seconds: is 1.4; 1.5 or more are needed"),
        (Filter(), {"music": "no.wav"}, "no.wav: no such file; an audio file or "
         "package.module:factory is needed"),
        (Returns(lambda x: x[..., :4000]  if x.shape[-1] == 12000 else x), {},
         "Returns: its output: signal: 0.50 s are too short to detect lines; use at least 1 s; "
         "the input was silence"),
        (Returns(lambda x: x / x.std()), {},
         "Returns: its output (1, 1, 12000) holds NaN; the input was silence"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(target, given: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        probe(target, **{**QUICK, **given})
    assert str(caught.value) == message


def test_music_that_is_silent_where_it_is_taken_is_refused(tmp_path: Path) -> None:
    sound = np.zeros(4 * RATE_HZ)
    sound[0] = 1
    soundfile.write(tmp_path / "music.wav", sound, RATE_HZ)
    with pytest.raises(InputError, match=r"is silent in its middle 1\.5 s; choose other music"):
        probe(Filter(), music=tmp_path / "music.wav", **QUICK)
