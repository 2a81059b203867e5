"""``probe`` on models and audio files: what it measures, writes, prints and refuses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from upsampling_artifacts.api import probe
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.probes import user_model_probe
from upsampling_artifacts.probes.audio_file_probe import FileProbeResult
from upsampling_artifacts.probes.result_files import marked_frequencies
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult

from .toy_models import Doubler, Filter, Returns, Upsampler, Vocoder
from .toy_paths import squeeze_of_frames, unseen_upsampling

RATE_HZ = 8000
A_MODEL = Upsampler()
QUICK = {"rate_hz": RATE_HZ, "seconds": 1.5}
COLUMNS = ["model", "seed", "stage", "signal", "layer", "measure", "frequency_hz", "value", "unit"]


def value(result: ModelProbeResult, measure: str, signal: str, frequency_hz: float) -> float:
    """One measure of the output, mean over seeds."""
    table = result.measures
    rows = table[
        (table["layer"] == "output")
        & (table["measure"] == measure)
        & (table["signal"] == signal)
        & np.isclose(table["frequency_hz"], frequency_hz)
    ]
    assert not rows.empty
    return rows["value"].mean()


@pytest.fixture(scope="module")
def result() -> ModelProbeResult:
    """A small model with a transposed convolution of stride 4, three seeds."""
    return probe("tests.toy_models:Upsampler", options={"channels": 2}, channels=2,
                 seeds=[0, 1, 2], **QUICK)  # fmt: skip


def test_the_tables_name_model_seeds_signals_and_layers(result: ModelProbeResult) -> None:
    assert list(result.measures.columns) == COLUMNS
    assert set(result.measures["model"]) == {"tests.toy_models:Upsampler"}
    assert list(result.measures["seed"].unique()) == [0, 1, 2]
    assert set(result.measures["stage"]) == {"initialization"}
    assert list(result.measures["signal"].unique()) == [
        "silence", "ones", "noise", "sweep", "sines", "quiet_sines",
    ]  # fmt: skip
    assert list(result.layers["model"].unique()) == ["tests.toy_models:Upsampler"]
    assert result.layers.drop(columns="model").to_numpy().tolist() == [
        ["down", "convolution", "down", 4, "", 1, True, 1],
        ["up", "transposed", "up", 4, "", 1, True, 4],
    ]
    assert {"output", "down", "up"} <= set(result.measures["layer"])


def test_tones_are_predicted_measured_and_summarized(result: ModelProbeResult) -> None:
    np.testing.assert_allclose(result.tones_hz, [2000, 4000])
    assert value(result, "line_prominence", "ones", 2000) > 60
    text = repr(result)
    assert "up    transposed, up x4, period 4" in text
    words = " ".join(text.split())
    assert "(transposed convolution) stand out, at multiples of rate/4 (up)." in words
    assert "rate/4 = 2000 Hz, up: 2 of 2 tones stand out; loudest" in text
    assert "finds 2 of these tones, all at multiples of 2000 Hz" in text
    assert [finding.kind for finding in result.findings] == [
        "tones", "tones", "comb", "offset", "images", "aliasing", "boundary", "remedy", "remedy",
    ]  # fmt: skip


def test_a_model_without_upsampling_has_no_predicted_tone() -> None:
    result = probe(Filter(), **QUICK)
    assert result.layers.empty and not len(result.tones_hz)
    assert result.name == "Filter"
    assert "No layer was seen to change the rate." in repr(result)
    assert [finding.kind for finding in result.findings] == ["tones", "offset", "boundary"]
    assert result.findings[0].values["stands_out"] is False


def whistling(x: torch.Tensor) -> torch.Tensor:
    time = torch.arange(x.shape[-1])
    return x + 0.2 * torch.sin(2 * torch.pi * 1234.5 / RATE_HZ * time)


def test_an_unpredicted_tone_is_found_and_summarized() -> None:
    text = repr(probe(Returns(whistling), **QUICK))
    assert "a line at 1234.5 Hz, -17 dB in noise" in text
    assert "But there are other lines." in " ".join(text.split())


def test_the_tones_of_long_periods_are_predicted() -> None:
    """Strides 25 and 4."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv1d(1, 8, 50, 50), torch.nn.ConvTranspose1d(8, 8, 25, 25),
        torch.nn.ReLU(), torch.nn.ConvTranspose1d(8, 1, 4, 4),
    )  # fmt: skip
    result = probe(model, **QUICK)
    np.testing.assert_allclose(result.tones_hz, RATE_HZ / 100 * np.arange(1, 51))
    assert "all at multiples of 80 Hz = rate/100" in " ".join(repr(result).split())
    assert "other line" not in repr(result)


def test_layers_without_a_stride_are_found_and_measured() -> None:
    result = probe(squeeze_of_frames(), **QUICK)
    assert result.layers[["name", "kind", "direction", "stride"]].to_numpy().tolist() == [
        ["reshape", "reshape", "down", 8], ["reshape (2)", "reshape", "up", 8],
    ]  # fmt: skip
    np.testing.assert_allclose(result.tones_hz, [1000, 2000, 3000, 4000])
    assert {"reshape", "reshape (2)"} <= set(result.measures["layer"])


def test_what_cannot_be_seen_is_said() -> None:
    kinds = [finding.kind for finding in probe(unseen_upsampling(), **QUICK).findings]
    assert "contradiction" in kinds


def test_layers_without_periods_are_listed_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("longer: is as long as shorter")

    monkeypatch.setattr(user_model_probe, "measure_paths", refuse)
    result = probe(Upsampler(), **QUICK)
    assert result.layers["period"].isna().all()
    np.testing.assert_allclose(result.tones_hz, [2000, 4000])
    (left_out,) = [finding for finding in result.findings if finding.kind == "left_out"]
    assert "Not measured: periods of the layers (longer: is" in left_out.sentence
    assert result.findings[0].values["stands_out"]


def test_an_output_that_does_not_depend_on_the_input_is_said_first() -> None:
    model = Returns(lambda x: torch.ones_like(x))
    first, *_ = probe(model, **QUICK).findings
    assert first.kind == "constant_output"
    assert "two different noises give the same" in first.sentence


def test_a_super_resolution_model_is_fed_at_its_input_rate() -> None:
    result = probe(Doubler(), **QUICK)
    np.testing.assert_allclose(result.tones_hz, [4000])
    assert result.arrays["times_seconds"][-1] == pytest.approx(1.5, abs=0.1)


def test_a_vocoder_is_fed_features() -> None:
    result = probe(Vocoder(bins=20), channels=20, input_kind="features", **QUICK)
    np.testing.assert_allclose(result.tones_hz, RATE_HZ / 64 * np.arange(1, 33))
    assert list(result.measures["signal"].unique()) == ["silence", "ones", "noise"]
    assert result.arrays["times_seconds"][-1] == pytest.approx(1.5, abs=0.1)
    assert value(result, "line_prominence", "silence", 2000) > 60  # from the biases


def test_music_is_an_additional_signal_normalized_in_level(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).standard_normal((3 * 16000, 2))
    levels = []
    for level in (0.1, 0.001):
        soundfile.write(tmp_path / "music.wav", level * sound, 16000, subtype="DOUBLE")
        result = probe(A_MODEL, music=tmp_path / "music.wav", **QUICK)
        assert "music_db" in result.arrays
        levels.append(value(result, "line_level", "music", 2000))
    assert levels[0] == pytest.approx(levels[1], abs=0.01)


def test_a_seed_reproduces_the_result_and_the_global_random_state_is_kept() -> None:
    model = Returns(lambda x: x + 0.1 * torch.randn_like(x))
    torch.manual_seed(3)
    first = probe(model, seeds=[5], **QUICK).measures
    torch.rand(7)
    before = torch.get_rng_state()
    pd.testing.assert_frame_equal(probe(model, seeds=[5], **QUICK).measures, first)
    assert torch.equal(torch.get_rng_state(), before)


def test_tables_summary_and_figure_are_written(result: ModelProbeResult, tmp_path: Path) -> None:
    probe("tests.toy_models:Upsampler", options={"channels": 2}, channels=2, out=tmp_path / "out",
          seeds=[0], stage="trained", **QUICK)  # fmt: skip
    names = [
        "layers.csv", "measures.csv", "spectrograms.npz", "spectrograms.png", "spectrograms.svg",
        "summary.txt",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    written = pd.read_csv(tmp_path / "out/measures.csv")
    assert list(written.columns) == COLUMNS
    assert set(written["stage"]) == {"trained"}
    first = result.measures[result.measures["seed"] == 0]
    np.testing.assert_allclose(written["value"], first["value"], rtol=1e-5)
    assert list(pd.read_csv(tmp_path / "out/layers.csv")["kind"]) == ["convolution", "transposed"]


def test_the_figure_marks_predicted_tones_and_unexplained_lines(result: ModelProbeResult) -> None:
    assert marked_frequencies(result) == ([2000, 4000], {})
    predicted, others = marked_frequencies(probe(Returns(whistling), **QUICK))
    assert predicted == []
    assert set(others) == {"silence", "ones", "noise"}
    for lines_hz in others.values():
        assert lines_hz == pytest.approx([1234.5], abs=0.2)
    torch.manual_seed(0)
    up = torch.nn.ConvTranspose1d(8, 1, 100, 100)
    deep = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 100, 100), up)
    predicted, others = marked_frequencies(probe(deep, **QUICK))
    assert predicted == [] and others == {}  # 50 tones at rate/100 are too many to be marked


# models that ship in packages


def test_hybrid_demucs_has_tones_of_its_time_branch() -> None:
    options = {"sources": ["vocals", "rest"], "channels": 8}
    result = probe("torchaudio.models:HDemucs", options=options, channels=2, rate_hz=44100,
                  seconds=1.5)  # fmt: skip
    up = result.layers[result.layers["direction"] == "up"]
    assert up[["kind", "stride"]].to_numpy().tolist() == [
        ["transposed", 2], *[["transposed", 4]] * 5, ["istft", 1024],
    ]  # fmt: skip
    assert up["period"].tolist() == [2048, 1024, 256, 64, 16, 4, 1024]
    np.testing.assert_allclose(result.tones_hz, 44100 / 2048 * np.arange(1, 1025))
    assert value(result, "line_prominence", "noise", 11025) > 20
    assert not [finding for finding in result.findings if finding.kind in ("line", "harmonics")]


def test_open_unmix_has_the_tones_of_its_hop_and_none_stands_out() -> None:
    """It masks a spectrogram: only the inverse Fourier transform upsamples."""
    result = probe("openunmix:umxhq", options={"pretrained": False, "targets": ["vocals", "drums"]},
                  channels=2, rate_hz=44100, seconds=1.5)  # fmt: skip
    assert result.layers[["kind", "stride"]].to_numpy().tolist() == [
        ["stft", 1024],
        ["istft", 1024],
    ]
    np.testing.assert_allclose(result.tones_hz, 44100 / 1024 * np.arange(1, 513))
    assert not result.findings[0].values["stands_out"]
    assert not [finding for finding in result.findings if finding.kind == "line"]


# audio files


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """The output of an untrained Demucs for noise, as a file."""
    model = build_model("demucs", {"channels": 8, "depth": 2}, {"name": "transposed"},
                         n_sources=1, audio_channels=1, seed=0).eval()  # fmt: skip
    noise = torch.randn(1, 1, 3 * RATE_HZ, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        sound = model(noise)[0, 0, 0].numpy()
    path = tmp_path / "stem.wav"
    soundfile.write(path, sound / np.abs(sound).max(), RATE_HZ)
    return path


def test_a_stem_reveals_the_transposed_convolution_of_its_model(stem: Path) -> None:
    result = probe(stem, out=stem.parent / "out")
    assert isinstance(result, FileProbeResult)
    assert (result.rate_hz, result.channels, result.seconds) == (RATE_HZ, 1, 3.0)
    assert 4 in set(result.lines["stride"])
    text = repr(result)
    assert "rate/4" in text
    assert "at a frequency where an upsampling layer puts tones (by chance: " in text
    predicted, others = marked_frequencies(result)
    assert 2000 in np.round(predicted) and others == {"file": []}
    names = ["lines.csv", "spectrograms.npz", "spectrograms.png", "spectrograms.svg", "summary.txt"]
    assert sorted(path.name for path in (stem.parent / "out").iterdir()) == names
    written = pd.read_csv(stem.parent / "out/lines.csv")
    np.testing.assert_allclose(written["frequency_hz"], result.lines["frequency_hz"], rtol=1e-5)


def test_rate_hz_is_the_rate_of_the_model_and_must_be_positive(stem: Path) -> None:
    text = " ".join(repr(probe(stem, rate_hz=RATE_HZ / 2)).split())
    assert "rate/8 of 4000 Hz" in text
    with pytest.raises(InputError, match="rate_hz: is -1; must be positive, or omitted"):
        probe(stem, rate_hz=-1)


def test_only_the_middle_of_a_long_file_is_measured(tmp_path: Path, caplog) -> None:
    sound = np.random.default_rng(0).standard_normal(80 * 2000) / 10
    sound[60 * 2000 :] += np.resize([0.1, 0, -0.1, 0], 20 * 2000)  # in 10 of the middle 60 seconds
    soundfile.write(tmp_path / "long.wav", sound, 2000)
    caplog.set_level("INFO")
    result = probe(tmp_path / "long.wav")
    assert f"{result.name}: 80 s long; only the middle 60 s are measured" in caplog.messages
    assert result.lines.empty
    assert "No stationary narrow line was found." in repr(result)


# bad input


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        (3, {}, "target: is of type int; give a torch.nn.Module, 'package.module:factory' or the "
         "path of an audio file"),
        ("no/such.wav", {}, "no/such.wav: no such file; give an audio file, or a model as "
         "package.module:factory"),
        (Filter(), {"rate_hz": None}, "rate_hz: is missing; give the sampling rate of the model's "
         "output"),
        (Filter(), {"rate_hz": 44.1}, "rate_hz: is 44.1; give at least 1000 Hz (not kHz: 44100, "
         "not 44.1)"),
        (Filter(), {"rate_hz": "8000"}, "rate_hz: is '8000'; give a finite number of Hz"),
        (Filter(), {"input_kind": "mel"}, "input_kind: unknown 'mel'; known: audio, features"),
        (Vocoder(), {}, "Vocoder: takes features; use input_kind='features' (RuntimeError: Given "
         "transposed=1, weight of size [20, 8, 32], expected input[1, 1, 16384] to have 20 "
         "channels, but got 1 channels instead)"),
        (Filter(), {"channels": 0}, "channels: is 0; must be at least 1"),
        (Vocoder(), {"input_kind": "features", "channels": 20, "music": "x.wav"},
         "music: needs a model whose input is audio, not features; omit it"),
        (Filter(), {"options": {"a": 1}}, "options: need a factory, but the model is already "
         "built; omit them"),
        (Filter(), {"seeds": []}, "seeds: is empty; give at least one"),
        (Filter(), {"seeds": [0, 1]}, "seeds: a model that is already built or trained has one set "
         "of weights; give one seed, or a factory as package.module:factory"),
        ("tests.toy_models:Filter", {"seeds": [2, 2]}, "seeds: 2 is given twice; give each seed "
         "once"),
        (Filter(), {"seconds": 1.4}, "seconds: is 1.4; must be at least 1.5"),
        (Filter(), {"seconds": 361}, "seconds: 361 s at 8000 Hz are 2.89e+06 samples; at most "
         "2,880,000 are probed, because all layers are measured in memory; at most 360 s here"),
        (Filter(), {"music": "no.wav"}, "no.wav: no such file; give an audio file, or a model "
         "as package.module:factory"),
        (Returns(lambda x: x[..., :4000]  if x.shape[-1] == 12000 else x), {},
         "Returns: its output: signal: 0.50 s are too short to detect lines; use at least 1 s; "
         "the input was silence"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(target, arguments: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        probe(target, **{**QUICK, **arguments})
    assert str(caught.value) == message


def test_a_signal_that_a_model_cannot_process_is_left_out_and_said() -> None:
    result = probe(Returns(lambda x: x / x.std()), **QUICK)
    assert not {"silence", "ones"} & set(result.measures["signal"])
    [reasons] = [f.values["reasons"] for f in result.findings if f.kind == "left_out"]
    output = "Returns: its output, of shape (1, 1, 12000), contains"
    assert reasons["the response to silence"] == f"{output} NaN"
    assert reasons["the response to ones"] == f"{output} infinite values"


def test_music_with_a_silent_middle_is_refused(tmp_path: Path) -> None:
    sound = np.zeros(4 * RATE_HZ)
    sound[0] = 1
    soundfile.write(tmp_path / "music.wav", sound, RATE_HZ)
    with pytest.raises(InputError, match=r"the middle 1\.5 s are silent; choose other music"):
        probe(Filter(), music=tmp_path / "music.wav", **QUICK)
