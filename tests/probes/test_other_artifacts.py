"""What is wrong with a model or a file when it is not a tone: found, said, and not invented."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from upsampling_artifacts.probes.audio_file_probe import probe_audio_file
from upsampling_artifacts.probes.file_artifacts import file_findings
from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.layer_tracer import Layer
from upsampling_artifacts.probes.other_artifacts import SINE_PEAKS, network_period
from upsampling_artifacts.probes.other_findings import other_findings
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult, probe_user_model

from ..toy_models import Doubler, Filter, Returns, Upsampler

RATE_HZ = 8000


class Held(nn.Module):
    """Nearest-neighbor interpolation of every third sample: images, no aliasing of its own."""

    def __init__(self, stride: int = 4):
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(F.avg_pool1d(x, self.stride), scale_factor=self.stride)


class Chunked(nn.Module):
    """A convolution with zero padding, applied to chunks."""

    def __init__(self, chunk: int = 1500):
        super().__init__()
        self.chunk = chunk
        self.filter = nn.Conv1d(1, 1, 31, padding=15)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.filter(part) for part in x.split(self.chunk, -1)], -1)


def probe(model: nn.Module, **options) -> ModelProbeResult:
    torch.manual_seed(0)
    return probe_user_model(model, rate_hz=RATE_HZ, seconds=2.0, **options)


def found(result: ModelProbeResult) -> dict[str, Finding]:
    return {finding.kind: finding for finding in result.findings}


def values(result: ModelProbeResult, measure: str, signal: str = "sines") -> list[float]:
    rows = result.measures
    return list(rows[(rows["signal"] == signal) & (rows["measure"] == measure)]["value"])


def test_a_cube_without_upsampling_has_aliasing_and_no_tone() -> None:
    """sin^3: the third harmonic has a ninth of the sine's energy, and is folded above rate / 6."""
    result = probe(Returns(lambda x: x**3))
    aliasing = found(result)["aliasing"]
    assert set(found(result)) == {"tones", "aliasing"}
    assert not found(result)["tones"].values["stands_out"]
    assert aliasing.values["ratio_db"] == pytest.approx(10 * np.log10(1 / 9), abs=1e-3)
    assert aliasing.values["aliased_db"] == pytest.approx(10 * np.log10(1 / 9), abs=1e-3)
    sine_hz, aliased_hz = aliasing.values["sine_hz"], aliasing.values["aliased_hz"]
    assert sine_hz > RATE_HZ / 6
    assert aliased_hz == pytest.approx(abs(3 * sine_hz - RATE_HZ), abs=1)
    assert len(result.tones_hz) == 0
    # Three of the four frequencies are below a sixth of the rate.
    assert values(result, "aliasing_to_signal")[:3] == [-np.inf] * 3
    assert "-10 dB re that on them" in aliasing.sentence


def test_a_cube_depends_on_the_level_only_in_what_it_adds() -> None:
    """x + x^3 / 100 aliases 40 dB less for a sine that is 20 dB weaker."""
    result = probe(Returns(lambda x: x + 0.01 * x**3))
    loud, quiet = (
        values(result, "aliasing_to_signal", signal)[3] for signal in ("sines", "quiet_sines")
    )
    assert loud - quiet == pytest.approx(40, abs=0.3)
    assert found(result)["aliasing"].values["sine_peak"] == max(SINE_PEAKS.values())


def test_a_model_that_clips_at_one_is_not_accused_of_the_probes_distortion() -> None:
    result = probe(Returns(lambda x: x.clip(-1, 1)))
    assert not {"aliasing", "images"} & set(found(result))
    loud = found(probe(Returns(lambda x: x.clip(-0.4, 0.4))))["aliasing"]
    assert "and peak 0.5, the energy off the harmonics" in loud.sentence


@pytest.mark.parametrize("model", [Filter(), Held(), Doubler(), Chunked(2000), nn.Identity()])
def test_a_linear_model_has_no_aliasing(model: nn.Module) -> None:
    assert "aliasing" not in found(probe(model))


def test_noise_of_the_model_is_not_aliasing() -> None:
    result = probe(Returns(lambda x: x + 0.01 * torch.randn_like(x)))
    assert "aliasing" not in found(result)
    assert found(result)["left_out"].sentence == (
        "Not measured: aliasing (off its harmonics, the response to a sine does not repeat)."
    )


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_held_samples_have_images_about_the_old_nyquist_frequency(stride: int) -> None:
    images = found(probe(Held(stride)))["images"]
    assert images.values["stride"] == stride
    assert images.values["axis_hz"] == pytest.approx(RATE_HZ / 2 / stride)
    assert f"x{stride} upsampling from {RATE_HZ / stride:g} Hz" in images.sentence


@pytest.mark.parametrize("level", [0.0034, -0.1])
def test_a_bias_is_an_offset_in_silence(level: float) -> None:
    model = Filter()
    nn.init.constant_(model.filter.bias, level)
    offset = found(probe(model))["offset"]
    assert offset.values["level_db"] == pytest.approx(20 * np.log10(abs(level)), abs=1e-3)
    assert offset.values["constant"]
    assert "biases" in offset.sentence


def test_a_tone_in_silence_is_no_bias() -> None:
    offset = found(probe(Returns(lambda x: x + 0.1 * (torch.arange(x.shape[-1]) % 4))))["offset"]
    assert not offset.values["constant"]
    assert "biases" not in offset.sentence


def test_without_a_bias_silence_has_no_offset() -> None:
    model = nn.Conv1d(1, 1, 9, padding=4, bias=False)
    assert "offset" not in found(probe(model))


@pytest.mark.parametrize("chunk", [1000, 1500])
def test_chunks_make_clicks_of_their_period(chunk: int) -> None:
    clicks = found(probe(Chunked(chunk)))["clicks"]
    assert clicks.values["period_samples"] == chunk
    assert "delayed_noise" in clicks.values["signals"]
    assert f"every {chunk} samples" in clicks.sentence
    # The ends of chunks are not those of a segment.
    assert "boundary" not in found(probe(Chunked(chunk)))


@pytest.mark.parametrize("model", [Filter(), Upsampler(), Doubler(), Returns(torch.tanh)])
def test_a_model_that_runs_in_one_piece_has_no_clicks(model: nn.Module) -> None:
    assert "clicks" not in found(probe(model))


def test_zero_padding_makes_boundary_artifacts_of_half_the_filter() -> None:
    boundary = found(probe(Filter()))["boundary"]
    assert boundary.values == {"start_samples": 4, "end_samples": 4}
    assert "the first 4 samples and the last 4 samples" in boundary.sentence


def test_a_model_whose_samples_all_depend_on_the_segment_has_no_boundary_artifacts() -> None:
    """The maximum of the segment is added."""
    result = probe(Returns(lambda x: x + x.amax(-1, keepdim=True)))
    whole = found(result)["whole_segment"]
    assert "boundary" not in found(result)
    assert whole.sentence.startswith("All samples of a segment differ from the same samples")
    assert sum(whole.values.values()) > 0.98 * (2 * RATE_HZ // 3)
    assert "boundary" not in found(result)["tones"].sentence


def test_identity_has_nothing_wrong() -> None:
    assert [finding.kind for finding in probe(nn.Identity()).findings] == ["tones"]


def test_findings_are_in_the_summary() -> None:
    result = probe(Filter())
    text = " ".join(repr(result).split())
    assert all(finding.sentence in text for finding in result.findings)
    assert {finding.kind for finding in result.findings} >= {"offset", "boundary"}


def test_a_model_that_takes_one_length_is_probed_without_what_needs_another() -> None:
    def strict(x):
        if x.shape[-1] not in (2**14, 2**15, 2 * RATE_HZ, 2 * RATE_HZ // 3):
            raise RuntimeError("wrong length")
        return x

    result = probe(Returns(strict))
    assert len(values(result, "aliasing_to_signal")) == 4  # 2**15 samples are accepted

    def stricter(x):
        if x.shape[-1] == 2**15 and float(x.abs().max()) < 2:  # not the noise of the trial
            raise RuntimeError("wrong length")
        return x

    left_out = found(probe(Returns(stricter)))["left_out"]
    assert left_out.sentence.startswith("Not measured: aliasing (Returns: with an input ")


@pytest.mark.parametrize(
    ("layers", "ratio", "period"),
    [
        ([], 1, 1),
        ([], 3, 3),
        ([], 441 / 160, 441),
        ([("down", 4, None), ("up", 4, None)], 1, 4),
        ([("down", 4, None), ("up", 4, None), ("up", 2, None)], 2, 8),
        # Periods that were measured count, however the strides multiply.
        ([("up", 2, 2), ("down", 2, 1), ("up", 4, 4), ("up", 2, 4)], 1, 4),
    ],
)
def test_the_period_of_a_network_is_a_multiple_of_its_strides(layers, ratio, period) -> None:
    traced = [
        Layer(str(n), "transposed", stride, direction, period=known)
        for n, (direction, stride, known) in enumerate(layers)
    ]
    assert network_period(traced, ratio) == period


def test_a_period_that_is_too_long_is_left_out() -> None:
    class Deep(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.interpolate(F.avg_pool1d(x, 4096), scale_factor=4096)

    result = probe(Deep())
    reasons = found(result)["left_out"].values["reasons"]
    assert reasons["aliasing"] == "the network's period, of 4096 samples, is too long"


def test_of_several_seeds_the_worst_counts() -> None:
    rows = [
        (seed, "silence", "output", "offset_level", np.nan, level_db)
        for seed, level_db in enumerate([-50, -30, -40])
    ] + [(seed, "silence", "output", "residual_level", np.nan, -120.0) for seed in range(3)]
    columns = ["seed", "signal", "layer", "measure", "frequency_hz", "value"]
    [offset] = other_findings(pd.DataFrame(rows, columns=columns), RATE_HZ)
    assert offset.values["level_db"] == -30


def noise(seconds: float = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, round(seconds * RATE_HZ)))


def kinds(signal: np.ndarray) -> set[str]:
    return {finding.kind for finding in file_findings(signal, RATE_HZ)} - {"left_out"}


def test_a_file_says_that_aliasing_cannot_be_measured_in_it() -> None:
    [left_out] = file_findings(0.1 * noise(), RATE_HZ)
    assert set(left_out.values["reasons"]) == {"aliasing", "boundary artifacts"}


def test_an_offset_of_a_file_is_found_from_a_thousandth_on() -> None:
    assert kinds(0.05 * noise() + 0.003) == {"offset"}
    assert kinds(1e-4 * noise() + 0.0005) == set()
    signal = np.concatenate([0.1 * noise(), 0.1 * noise(seed=1) + 0.01])
    [offset, _] = file_findings(signal, RATE_HZ)
    assert "(channel 2 of 2)" in offset.sentence
    assert offset.values["level_db"] == pytest.approx(-40, abs=1.5)


def test_images_and_a_resampler_are_told_apart() -> None:
    held = np.repeat(0.1 * noise(), 2, axis=1)
    [images, _] = file_findings(held, 2 * RATE_HZ)
    assert images.kind == "images" and images.values["axis_hz"] == RATE_HZ / 2
    spectrum = np.fft.rfft(0.1 * noise())
    smooth = np.fft.irfft(np.pad(spectrum, ((0, 0), (0, spectrum.shape[1] - 1))))
    assert kinds(smooth) == set()  # ideal: no images at all


def test_clicks_of_a_file_are_found() -> None:
    signal = 0.01 * noise()
    signal[:, 500::3000] += 0.3
    clicks = file_findings(signal, RATE_HZ)[0]
    assert clicks.kind == "clicks" and clicks.values["period_samples"] == 3000
    assert "every 3000 samples (0.375 s)" in clicks.sentence


def test_findings_are_in_the_summary_of_a_file(tmp_path) -> None:
    soundfile.write(tmp_path / "offset.wav", 0.1 * noise()[0] + 0.01, RATE_HZ)
    result = probe_audio_file(tmp_path / "offset.wav")
    assert {finding.kind for finding in result.findings} >= {"tones", "offset", "left_out"}
    assert found(result)["offset"].sentence in repr(result)
