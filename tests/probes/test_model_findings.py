"""Sentences on models whose tables are known."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.probes.findings import Finding
from upsampling_artifacts.probes.layer_remedies import PAGE, REMEDIES, SAME_REMEDY, remedies_of
from upsampling_artifacts.probes.layer_tracer import Layer
from upsampling_artifacts.probes.model_findings import model_findings, unseen_findings

from ..clone import REPOSITORY
from .model_tables import RATE_HZ, measures, table, tones, up

UPS = up("ups.0", 2, 8), up("ups.1", 4, 4)
QUIET = [("noise", hz, -30.0, 3.0) for hz in (1000.0, 2000.0, 3000.0, 4000.0)]


def findings(layers: tuple[Layer, ...], lines: list, found: list = (), others=()) -> list[Finding]:
    return model_findings(RATE_HZ, table(*layers), tones(*layers), measures(lines, found), others)


def kinds(found: list[Finding]) -> list[str]:
    return [finding.kind for finding in found]


def test_the_verdict_names_the_layer_whose_tones_stand_out() -> None:
    lines = [*QUIET[:1], ("noise", 2000.0, -20.0, 40.0), *QUIET[2:]]
    verdict, last, both, *rest = findings(UPS, lines)
    assert verdict.sentence == (
        "Yes: tones of upsampling layers (transposed convolution) stand out, at multiples of "
        "rate/4 (ups.1)."
    )
    assert verdict.values["layers"] == ["ups.1"]
    assert last.sentence == (
        "rate/4 = 2000 Hz, ups.1: 1 of 2 tones stands out; loudest 2000.0 Hz, -20 dB in noise, "
        "without a defined masked threshold."
    )
    assert last.values["can_make"] == ["ups.0", "ups.1"]
    assert both.sentence == "rate/8 = 1000 Hz, ups.0: none of 2 tones stands out."
    assert kinds(rest) == ["remedy"]


def test_the_verdict_of_many_periods_leaves_the_names_to_their_lines() -> None:
    layers = up("ups.0", 2, 16), up("ups.1", 2, 8), up("ups.2", 4, 4)
    lines = [("noise", hz, -20.0, 40.0) for hz in (500.0, 1000.0, 2000.0)]
    verdict, *rest = findings(layers, lines)
    assert verdict.sentence.endswith("at multiples of rate/4, rate/8, rate/16.")
    assert verdict.values["layers"] == ["ups.2", "ups.1", "ups.0"]
    assert "rate/16 = 500 Hz, ups.0: 1 of" in rest[2].sentence


def test_the_verdict_is_no_where_no_tone_stands_out() -> None:
    verdict, *_ = findings(UPS, QUIET)
    assert verdict.sentence == "No: no tone of an upsampling layer stands out."
    assert not verdict.values["stands_out"]
    verdict, *rest = findings(UPS, QUIET, [("noise", 1234.0, -20.0, 30.0)])
    assert verdict.sentence.endswith("stands out. But there are other lines.")
    assert rest[2].sentence == "Unexplained: a line at 1234.0 Hz, -20 dB in noise."


def test_a_model_that_does_not_upsample_has_no_predicted_tone() -> None:
    (verdict,) = findings((), [])
    assert (
        verdict.sentence
        == "No tone is predicted: no layer was seen to upsample on the way to the output."
    )


def test_an_interpolation_is_not_blamed_where_a_filter_has_the_same_period() -> None:
    layers = up("up", 4, 4, "interpolation", mode="linear"), up("ups", 4, 4)
    lines = [("noise", hz, -20.0, 40.0) for hz in (2000.0, 4000.0)]
    verdict, group, *_ = findings(layers, lines)
    assert verdict.values["layers"] == group.values["layers"] == ["ups"]
    assert group.values["can_make"] == ["up", "ups"]
    assert findings(layers[:1], lines)[0].values["layers"] == ["up"]


@pytest.mark.parametrize(
    ("margins_db", "words"),
    [
        ((5.0, -3.0), "-20 dB in noise, 5 dB over the masked threshold."),
        ((5.0, 8.0), " 5 dB over the masked threshold (2 tones over theirs, by up to 8 dB)."),
        ((-3.0, 2.0), " 3 dB under the masked threshold (1 tone over its own, by up to 2 dB)."),
        ((-1.0, -3.0), "-20 dB in noise, 1 dB under the masked threshold."),
        ((), "-20 dB in noise, without a defined masked threshold."),
    ],
)
def test_the_tones_of_a_layer_are_compared_with_the_masked_threshold(
    margins_db: tuple, words: str
) -> None:
    table_of_lines = measures([("noise", hz, -20.0, 40.0) for hz in (2000.0, 4000.0)])
    margins = table_of_lines[table_of_lines["measure"] == "line_level"].iloc[: len(margins_db)]
    margins = margins.assign(measure="masking_margin", value=list(margins_db))
    table_of_lines = pd.concat([table_of_lines, margins])
    layer = up("up", 4, 4)
    _, group, *_ = model_findings(RATE_HZ, table(layer), tones(layer), table_of_lines, ())
    assert group.sentence.startswith("rate/4 = 2000 Hz, up: 2 of 2 tones stand out; loudest ")
    assert group.sentence.endswith(words)


def test_the_lines_of_the_layers_are_one_sentence() -> None:
    layers = (up("head", 100, 100, "istft"),)
    lines = [("noise", hz, -40.0, 40.0) for hz in tones(*layers)]
    found = [("noise", hz + 0.3, -40.0, 40.0) for hz in tones(*layers)[:30]]
    combs = [f for f in findings(layers, lines, found) if f.kind == "comb"]
    assert [comb.sentence for comb in combs] == [
        "A blind search, which is less sensitive, finds 30 of these tones, all at multiples of "
        "80 Hz = rate/100."
    ]


def test_lines_of_a_period_that_no_layer_has_are_a_comb() -> None:
    found = [("silence", 125.0 * n, -40.0 - n, 40.0) for n in range(1, 30)]
    verdict, comb = findings((), [], found)
    assert verdict.sentence.endswith("But there are other lines.")
    assert (comb.kind, comb.values["period"], comb.values["n_lines"]) == ("comb", 64, 29)
    assert comb.sentence == (
        "29 other lines, all multiples of 125 Hz = rate/64, which is no period of a layer seen "
        "(chunks or frames of 64 samples?), in silence; loudest 125.0 Hz, -41 dB in silence."
    )
    assert (verdict.values["n_found"], verdict.values["n_unexplained"]) == (29, 0)


def test_harmonics_are_a_comb_of_their_own() -> None:
    found = [("noise", 220.37 * n, -40.0 - n, 40.0) for n in range(1, 18)]
    _, comb = findings((), [], found)
    assert (comb.kind, comb.values["n_lines"], comb.values["period"]) == ("harmonics", 17, None)
    assert "the harmonics of a source" in comb.sentence


def test_a_source_and_its_sidebands_are_two_sentences() -> None:
    lines = [("noise", hz, -20.0, 40.0) for hz in tones(*UPS)]
    sidebands = [1000 * k + s * 223.7 for k in range(1, 4) for s in (1, -1)]
    found = [("noise", 223.7, -10.0, 60.0), *(("noise", hz, -50.0, 30.0) for hz in sidebands)]
    source, side = [f for f in findings(UPS, lines, found) if f.kind == "harmonics"]
    assert source.sentence.startswith("1 line at multiples of 223.7 Hz: the harmonics of a source")
    assert side.values["n_lines"] == 6
    assert "multiples of rate/8 plus or minus multiples of 223.7 Hz" in side.sentence


def test_only_the_strongest_single_lines_are_sentences() -> None:
    rng = np.random.default_rng(1)
    found = [("noise", hz, -20.0 - hz / 1000, 30.0) for hz in rng.uniform(100, 3900, 9)]
    singles = [f for f in findings((), [], found) if f.kind == "line"]
    assert len(singles) == 4
    assert singles[-1].sentence == "Unexplained, too: 6 weaker lines."
    assert findings((), [], found)[0].values["n_unexplained"] == 9


def test_a_single_line_at_a_fraction_of_the_rate_says_so() -> None:
    *_, line = findings((), [], [("noise", 3200.2, -20.0, 20.0)])
    assert line.sentence == "Unexplained: a line at 3200.2 Hz (2 rate/5), -20 dB in noise."


def test_other_lines_say_how_audible_they_are_in_noise() -> None:
    lines = measures([], [("silence", 1234.0, -20.0, 30.0)])
    margin = lines[lines["measure"] == "found_line_level"].assign(
        signal="noise", measure="found_line_masking_margin", value=-7.0
    )
    _, line = model_findings(RATE_HZ, table(), [], pd.concat([lines, margin]))
    assert line.sentence == (
        "Unexplained: a line at 1234.0 Hz, -20 dB in silence, 7 dB under the masked threshold."
    )


def test_findings_of_others_have_their_place() -> None:
    others = [
        Finding("left_out", "Left out.", {}), Finding("offset", "An offset.", {}),
        Finding("contradiction", "Unseen.", {}), Finding("constant_output", "Constant.", {}),
    ]  # fmt: skip
    found = findings(UPS, QUIET, others=others)
    assert kinds(found) == [
        "constant_output", "tones", "tones", "tones", "contradiction", "offset", "left_out",
        "remedy",
    ]  # fmt: skip


def test_values_can_be_written_as_json() -> None:
    lines = [("noise", hz, -20.0, 40.0) for hz in tones(*UPS)]
    lines_found = [("noise", 125.0 * n + 60, -40.0, 40.0) for n in range(1, 30)]
    for finding in findings(UPS, lines, lines_found):
        assert json.loads(json.dumps(finding.values)) == finding.values


def test_unseen_upsampling_is_said() -> None:
    down = Layer("down", "convolution", 4, "down", period=1)
    (finding,) = unseen_findings([("smooth", Fraction(4))], table(down))
    assert finding.kind == "contradiction"
    assert finding.sentence == (
        "Something upsamples by 4 before smooth that could not be seen: the layers go down x4 and "
        "up x1, and yet the lengths do not agree."
    )
    (finding,) = unseen_findings([("", Fraction(1, 2))], table())
    assert finding.sentence.startswith("Something downsamples by 2 before the output")


def test_the_remedies_are_the_rows_of_the_page() -> None:
    page = (REPOSITORY / PAGE).read_text()
    section = page.split("## By layer")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE))
    rows = {kind.strip("`"): text for kind, text in rows.items() if kind not in ("layer", "---")}
    assert rows == {**REMEDIES}
    for kind, other in SAME_REMEDY.items():
        assert f"`{kind}`" in section and other in REMEDIES


@pytest.mark.parametrize("kind", [*REMEDIES, *SAME_REMEDY])
def test_each_kind_of_layer_has_a_remedy(kind: str) -> None:
    """And the general one, if a response to silence can be subtracted."""
    if kind != "any":
        assert len(remedies_of([kind], can_subtract=False)) == 1
        assert remedies_of([kind], can_subtract=True)[1:] == [REMEDIES["any"]]
    assert remedies_of(["other"], can_subtract=True) == remedies_of([], can_subtract=True) == []


def test_subtraction_is_suggested_only_if_silence_shows_nothing_but_tones() -> None:
    """A source's harmonics are wanted, and features of zero are no silence."""
    lines = [("silence", hz, -20.0, 60.0) for hz in tones(*UPS)]
    source = [("silence", 220.37 * n, -40.0 - n, 40.0) for n in range(1, 18)]
    in_noise = [("noise", *line) for _, *line in lines]

    def suggests(*arguments: object, **options: object) -> bool:
        given = measures(*arguments)
        found = model_findings(RATE_HZ, table(*UPS), tones(*UPS), given, **options)
        return REMEDIES["any"] in [finding.sentence for finding in found]

    assert suggests(lines)
    assert not suggests(in_noise)
    assert not suggests(lines, source)
    assert not suggests(lines, input_kind="features")
