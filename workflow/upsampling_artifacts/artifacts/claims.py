"""What the paper says in its sections 1 to 5, as selections of numbers and thresholds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from upsampling_artifacts.artifacts.line_summary import CHANCE_DB
from upsampling_artifacts.artifacts.verdicts import Claim, Selection, test_claims
from upsampling_artifacts.files import written_whole

TONE_DB = CHANCE_DB
"""A line that stands out further than noise does by chance is a tone."""

EXACT_DB = -100.0
"""Below this share of the whole, float32 arithmetic calls a pattern exact."""

EQUAL = 1e-12
"""Two float64 computations of numbers around 1 that differ by less compute the same."""

VALLEY_DB = 10.0
"""A valley whose floor lies this far below its surroundings can be seen in a spectrogram."""

RATE_4_HZ = 11025.0  # rate / 4 of the Demucs models, whose last upsampler has stride 4
MELGAN_RATE_2_HZ = 5512.5  # the tone of its last two layers, x2 and x2, at 22,050 Hz
LAYER_3_TONES_HZ = (4000.0, 8000.0, 12000.0, 16000.0)  # figures 7 and 8


def claims_about(size: str) -> list[Claim]:
    """All claims, those about whole networks as built at one size."""
    return [
        *_tones_after_initialization(size),
        *_overlap(),
        *_interpolation(),
        *_subpixel(),
        *_replicas(),
        *_modified(size),
        *_masking(size),
    ]


def _tones_after_initialization(size: str) -> list[Claim]:
    def prominence(system: str, hz: float | None) -> Selection:
        return Selection(f"{system}@{size}", "noise", "line_prominence", hz)

    with_tone = {
        "melgan": ("MelGAN", MELGAN_RATE_2_HZ),
        "demucs_transposed": ("Demucs with transposed convolutions", RATE_4_HZ),
        "demucs_subpixel": ("Demucs with subpixel convolutions", RATE_4_HZ),
    }
    without = {"demucs_nearest": "nearest-neighbour", "demucs_linear": "linear"}
    return [
        *(
            Claim(
                "C1", "1", f"{name} has a tone after initialization.",
                prominence(system, hz), "above", TONE_DB,
            )
            for system, (name, hz) in with_tone.items()
        ),
        *(
            Claim(
                "C1", "1", f"Demucs with {name} interpolation has no tone after initialization.",
                prominence(system, None), "below", TONE_DB,
            )
            for system, name in without.items()
        ),
    ]  # fmt: skip


def _stack(
    name: str, measure: str, hz: float | tuple[float, ...] | None = None, *, layer: int = 1,
    signal: str = "ones", reduce: str = "max", minus: Selection | None = None,
) -> Selection:  # fmt: skip
    return Selection(f"stack_{name}", signal, measure, hz, f"layer_{layer}", reduce, minus)


def _overlap() -> list[Claim]:
    return [
        Claim(
            "C2", "2", "No overlap: what comes out for ones repeats with the stride.",
            _stack("transposed_none", "aperiodic_level"), "below", EXACT_DB,
        ),
        Claim(
            "C2", "2", "No overlap: the random weights make that pattern a tone.",
            _stack("transposed_none", "line_prominence", 4000.0), "above", TONE_DB,
        ),
        Claim(
            "C3", "2", "Partial overlap makes a tone of ones even with constant weights.",
            _stack("transposed_partial_constant", "line_prominence", 4000.0), "above", TONE_DB,
        ),
        Claim(
            "C4", "2", "Full overlap with constant weights: ones come out without any pattern.",
            _stack("transposed_full_constant", "polyphase_mean_spread"), "below", EXACT_DB,
        ),
        Claim(
            "C4", "2", "Full overlap with constant weights: the first samples depart nevertheless.",
            _stack("transposed_full_constant", "boundary_start"), "above", 0.5,
        ),
        Claim(
            "C4", "2", "Full overlap with constant weights: the last samples depart as well.",
            _stack("transposed_full_constant", "boundary_end"), "above", 0.5,
        ),
        Claim(
            "C5", "2", "Random weights make a tone of ones even with full overlap.",
            _stack("transposed_full", "line_prominence", 4000.0), "above", TONE_DB,
        ),
        Claim(
            "C5", "2", "Random weights, full overlap: the pattern repeats with the stride.",
            _stack("transposed_full", "aperiodic_level"), "below", EXACT_DB,
        ),
    ]  # fmt: skip


def _interpolation() -> list[Claim]:
    rows = []
    for kind, name in {"nearest": "Nearest-neighbour", "linear": "Linear"}.items():
        rows += [
            Claim(
                "C6",
                "3",
                f"{name} interpolation + convolution has no tone in three layers.",
                _stack(kind, "line_prominence", layer=3, signal="noise"),
                "below",
                TONE_DB,
            ),
            Claim(
                "C6",
                "3",
                f"{name} interpolation + convolution has valleys instead.",
                _stack(kind, "valley_depth", 8000.0, layer=2, signal="noise"),
                "above",
                VALLEY_DB,
            ),
            Claim(
                "C6",
                "3",
                f"{name} interpolation filters white noise as theory says (deviation).",
                _stack(f"{kind}_alone", "response_error", layer=3, signal="noise"),
                "below",
                1.0,
            ),
        ]
    high_end = _stack("nearest_alone", "replica_level", signal="noise")
    rows.append(
        Claim(
            "C6", "3", "Linear interpolation attenuates the high end more than nearest neighbour.",
            _stack("linear_alone", "replica_level", signal="noise", minus=high_end), "below", 0.0,
        )
    )  # fmt: skip
    rows += [
        Claim(
            "C7", "3", f"{kind.capitalize()} interpolation is zero insertion + a fixed filter.",
            Selection(f"{kind}_interpolation", "noise", "zero_insertion_error"), "below", EQUAL,
        )
        for kind in ("nearest", "linear")
    ]  # fmt: skip
    return rows


def _subpixel() -> list[Claim]:
    return [
        Claim(
            "C8", "4", "A subpixel convolution has a tone at rate / factor.",
            _stack("subpixel", "line_prominence", 4000.0), "above", TONE_DB,
        ),
        Claim(
            "C8", "4", "ICNR initialization removes it: all phases come out alike.",
            _stack("subpixel_icnr", "polyphase_mean_spread"), "below", EXACT_DB,
        ),
    ]  # fmt: skip


def _replicas() -> list[Claim]:
    rows = []
    for stack, name in {"subpixel": "Subpixel", "transposed_full": "Transposed"}.items():
        rows += [
            Claim(
                "C9", "5", f"{name} convolution: the first layer's tone stands at its rate / factor.",
                _stack(stack, "line_prominence", 4000.0), "above", TONE_DB,
            ),
            Claim(
                "C9", "5", f"{name} convolution: after three layers there are tones at 4, 8, 12 and "
                "16 kHz (the weakest).",
                _stack(stack, "line_prominence", LAYER_3_TONES_HZ, layer=3, reduce="min"),
                "above", TONE_DB,
            ),
        ]  # fmt: skip
    rows += [
        Claim(
            "C10", "5", f"{name} interpolation: after three layers there are valleys at 4 and 12 kHz, "
            "the replicas of the first layer's (the shallower).",
            _stack(f"{kind}_alone", "valley_depth", (4000.0, 12000.0), layer=3, signal="noise",
                   reduce="min"),
            "above", VALLEY_DB,
        )
        for kind, name in {"nearest": "Nearest-neighbour", "linear": "Linear"}.items()
    ]  # fmt: skip
    levels = {
        "transposed_full": (
            "A transposed convolution",
            "above",
            -30.0,
            "makes a tone of an offset",
        ),
        "subpixel": ("A subpixel convolution", "above", -30.0, "makes a tone of an offset"),
        "nearest": (
            "Nearest-neighbour interpolation",
            "below",
            -60.0,
            "attenuates an offset's replica",
        ),
        "linear": ("Linear interpolation", "below", -60.0, "attenuates an offset's replica"),
    }
    rows += [
        Claim(
            "C11", "5", f"{name} {what} (level re the offset).",
            _stack(stack, "offset_image_level", 4000.0), side, threshold,
        )
        for stack, (name, side, threshold, what) in levels.items()
    ]  # fmt: skip
    return rows


def _modified(size: str) -> list[Claim]:
    rows = []
    for kind in ("transposed", "subpixel"):
        for measure in ("line_level", "line_prominence"):
            modified = Selection(f"modified_{kind}@{size}", "noise", measure, RATE_4_HZ)
            original = Selection(
                f"demucs_{kind}@{size}", "noise", measure, RATE_4_HZ, minus=modified
            )
            rows.append(
                Claim(
                    "C12", "5", f"The tone of Demucs with {kind} convolutions is far weaker when "
                    f"modified ({measure.replace('_', ' ')}, original minus modified).",
                    original, "above", 10.0,
                )
            )  # fmt: skip
    readings = {
        "no_biases": "without biases",
        "no_first_encoder_relu": "without the ReLU of the first encoder level",
        "no_biases_first_encoder_relu": "without biases and the ReLU of the first encoder level",
        "no_biases_first_decoder_relu": "without biases and the ReLU of the first decoder level",
        "no_biases_last_decoder_relu": "without biases and the ReLU before the last decoder level",
    }
    for reading, text in readings.items():
        modified = Selection(f"reading_{reading}", "noise", "line_prominence", RATE_4_HZ)
        original = Selection(
            "reading_original", "noise", "line_prominence", RATE_4_HZ, minus=modified
        )
        rows += [
            Claim(
                "C12", "5", f"A narrow Demucs {text} has a far weaker tone (original minus modified).",
                original, "above", 10.0,
            ),
            Claim(
                "C12", "5", f"A narrow Demucs {text} has no visible line, as in figure 9.",
                modified, "below", TONE_DB,
            ),
        ]  # fmt: skip
    return rows


def _masking(size: str) -> list[Claim]:
    def margin(system: str) -> Selection:
        return Selection(f"{system}@{size}", "noise", "masking_margin", RATE_4_HZ)

    return [
        *(
            Claim(
                "C13", "5", f"The tone left in the modified Demucs ({kind}) is masked by the noise.",
                margin(f"modified_{kind}"), "below", 0.0,
            )
            for kind in ("transposed", "subpixel")
        ),
        *(
            Claim(
                "C13", "5", f"The tone of the original Demucs ({kind}) is heard through the noise.",
                margin(f"demucs_{kind}"), "above", 0.0,
            )
            for kind in ("transposed", "subpixel")
        ),
    ]  # fmt: skip


def write_claims(measures_path: str | Path, csv_path: str | Path, size: str) -> None:
    """Test every claim on ``measures.csv`` and write ``claims.csv``.

    Args:
        measures_path: The gathered measures.
        csv_path: Where to.
        size: The size at which the systems were probed.
    """
    table = test_claims(claims_about(size), pd.read_csv(measures_path))
    with written_whole(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.6g")
