"""Summaries of models whose tables are known."""

from __future__ import annotations

from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.layer_tracer import Layer
from upsampling_artifacts.probes.model_summary import WIDTH, layer_rows, summarize_model

from .model_tables import RATE_HZ, measures, table, up

MEASURES = measures([("noise", 2000.0, -20.0, 30.0)])
TWO = measures([("noise", hz, -20.0, 30.0) for hz in (2000.0, 4000.0)])


def test_the_summary_has_a_header_the_layers_the_sentences_and_the_remedies() -> None:
    found = [
        Finding("tones", "Yes.", {}), Finding("tones", "rate/4.", {"period": 4}),
        Finding("remedy", "transposed: change it.", {}),
    ]  # fmt: skip
    text = summarize_model("m", RATE_HZ, table(up("ups.0", 4, 4)), MEASURES, found)
    assert text.splitlines() == [
        "m: 8000 Hz, initial weights, 1 seed",
        "Levels are RMS, in dB re 1 if no other reference is named.", "",
        "Layers that change the rate; tones are at multiples of rate / period:",
        "  ups.0  transposed, up x4, period 4", "",
        "Yes.", "  rate/4.", "",
        "What to do (more in docs/remedies.md of the repository):", "  transposed: change it.",
    ]  # fmt: skip


def test_what_stands_out_is_said_once_where_tones_are_judged() -> None:
    """Two lines in noise: by chance, 10.5 dB in one of a hundred models."""
    judged = Finding("tones", "rate/4.", {"period": 4, "n_stand_out": 1})
    text = summarize_model("m", RATE_HZ, table(), TWO, [judged, judged])
    assert " ".join(text.split()).count("A tone stands out if it is 11 dB or more above") == 1


def test_what_masks_a_tone_is_said_once() -> None:
    found = [Finding("line", "A line, 5 dB over the masked threshold.", {})] * 2
    for input_kind, noise in {"audio": "in noise", "features": "with noise features"}.items():
        text = summarize_model("m", RATE_HZ, table(), MEASURES, found, input_kind)
        assert " ".join(text.split()).count(f"masked thresholds are those {noise}") == 1


def test_without_layers_and_remedies_nothing_is_left_open() -> None:
    text = summarize_model("m", RATE_HZ, table(), MEASURES, [Finding("tones", "No.", {})])
    assert text.splitlines()[3:] == ["No layer was seen to change the rate.", "", "No."]


def test_a_row_names_mode_calls_and_what_makes_no_tone() -> None:
    rows = layer_rows(
        table(
            Layer("down", "convolution", 2, "down", period=1),
            up("up", 3, 6, "interpolation", mode="linear", calls=5),
            up("act", 2, 2, reaches_output=False),
            Layer("odd", "transposed", 2, "up"),
        )
    )
    assert rows[1:] == [
        "  down  convolution, down x2",
        "  up    linear interpolation, up x3, 5 calls, period 6",
        "  act   transposed, up x2, period 2, makes no tone in the output",
        "  odd   transposed, up x2",
    ]


def test_many_layers_fold_into_rows_by_name() -> None:
    activations = [up(f"act.{n}.up", 2, 2 ** (n // 40), "interpolation", mode="nearest")
                   for n in range(120)]  # fmt: skip
    rows = layer_rows(table(up("first", 4, 8), *activations))
    assert rows[1:] == [
        "  first     transposed, up x4, period 8",
        "  act.*.up  nearest interpolation, up x2, 120 layers, periods 1, 2, 4",
    ]
    periods = [up(f"ups.{n}", 2, 2**n) for n in range(1, 14)]
    assert layer_rows(table(*periods))[1].endswith("13 layers, periods 2, 4, 8, 16, 32, 64 ...")


def test_lines_are_no_wider_than_a_screen() -> None:
    sentence = " ".join(["words"] * 60)
    text = summarize_model("m", RATE_HZ, table(), MEASURES, [Finding("tones", sentence, {})])
    assert max(map(len, text.splitlines())) <= WIDTH
