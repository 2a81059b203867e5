"""Test signals of user models: those that are chosen, and what is said of those that are not."""

import numpy as np
import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.user_model_probe import ModelProbeResult, probe_user_model
from upsampling_artifacts.probes.user_model_signals import SIGNALS, choose_signals, feature_signals

from ..toy_models import Filter, Upsampler, Vocoder

RATE_HZ = 8000
FEATURES = {"channels": 20, "input_kind": "features"}


def probe(model, **options) -> ModelProbeResult:
    return probe_user_model(model, rate_hz=RATE_HZ, seconds=2.0, **options)


def left_out(result: ModelProbeResult) -> str:
    """What is said not to have been measured; empty if nothing is."""
    found = [finding for finding in result.findings if finding.kind == "left_out"]
    assert len(found) <= 1
    return found[0].sentence if found else ""


def test_signals_choose_what_runs() -> None:
    result = probe(Filter(), signals=["sines", "noise"])
    assert set(result.measures["signal"]) == {"noise", "sines", "quiet_sines"}
    assert "offset" not in {finding.kind for finding in result.findings}
    assert left_out(result) == "Not measured: offset (without the test signal 'silence')."
    everything = probe(Filter())
    assert set(everything.measures["signal"]) == {
        "silence", "ones", "noise", "sweep", "sines", "quiet_sines",
    }  # fmt: skip
    assert left_out(everything) == ""


def test_a_model_of_features_takes_neither_sines_nor_sweep() -> None:
    result = probe(Vocoder(), signals=["noise", "sines", "sweep"], **FEATURES)
    assert set(result.measures["signal"]) == {"noise"}
    assert left_out(result) == (
        "Not measured: sweep, aliasing, boundary artifacts (the model takes features, not audio); "
        "offset (without the test signal 'silence')."
    )


def test_features_are_named_as_what_they_are() -> None:
    """Zeros in a spectrogram on a log scale are anything but silence."""
    result = probe(Vocoder(), **FEATURES)
    assert left_out(result) == (
        "Not measured: aliasing, boundary artifacts (the model takes features, not audio)."
    )
    said = " ".join(finding.sentence for finding in result.findings if finding.kind != "left_out")
    assert "with noise features" in said or "with constant features" in said
    assert "silence" not in said and " ones" not in said and "in noise" not in said
    assert {"silence", "ones", "noise"} == set(result.measures["signal"])  # names of columns stay
    signals = feature_signals(20, 7)
    assert all(signal.shape == (20, 7) for signal in signals.values())
    assert not signals["silence"].any() and (signals["ones"] == 1).all()
    assert np.std(signals["noise"]) == pytest.approx(1, abs=0.2)


def test_a_model_that_raises_the_rate_has_no_boundary_measure() -> None:
    from torch import nn

    result = probe(nn.Upsample(scale_factor=2))
    assert left_out(result) == (
        "Not measured: boundary artifacts (input and output differ in length)."
    )


def test_without_a_stationary_signal_no_tone_is_denied() -> None:
    result = probe(Upsampler(), signals=["sweep"])
    verdict: Finding = result.findings[0]
    assert verdict.sentence.startswith("Unknown: tones of upsampling layers are measured with ")
    assert "stands out" not in repr(result)


@pytest.mark.parametrize(
    ("signals", "kind", "message"),
    [
        (["sine"], "audio", "signals: unknown 'sine'; known: " + ", ".join(SIGNALS)),
        (["music"], "audio", "signals: 'music' needs an audio file; give it as music"),
        ([], "audio", "signals: none: give at least one of silence, ones, noise, sweep, music, "
         "to find the layers"),
        (["sines"], "features", "signals: sines: give at least one of silence, ones, noise, "
         "to find the layers"),
    ],
)  # fmt: skip
def test_wrong_signals_are_refused_in_one_line(signals, kind: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        choose_signals(signals, kind, has_music=False)
    assert str(caught.value) == message
