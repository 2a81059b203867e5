"""Claims about numbers with known means and intervals get the correct verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.evaluation.claims import (
    CLAIM_COLUMNS,
    VERDICT_COLUMNS,
    description,
    read_claims,
    values_by_seed,
    verdict,
    write_claims,
)
from upsampling_artifacts.probes.measures_table import (
    GRADIENT_COLUMNS,
    MEASURES_COLUMNS,
    VARIANT_COLUMNS,
)

CLAIM = {
    "claim": "C1", "section": "1", "statement": "A tone.", "model": "net", "signal": "noise",
    "layer": "output", "measure": "line_prominence", "frequency_hz": "2000", "reduce": "",
    "minus_model": "", "must_be": "above", "threshold": "10", "kind": "measurement",
    "stage": "", "minus_stage": "",
}  # fmt: skip
RATE_HZ = 8000


def measured(*values: float, model: str = "net", **changes: object) -> pd.DataFrame:
    """Return measures with one value for each seed 0, 1, 2, ..."""
    row = {
        "model": model, "stage": "initialization", "signal": "noise", "layer": "output",
        "measure": "line_prominence", "frequency_hz": 2000.0, "unit": "dB",
    }  # fmt: skip
    rows = [row | changes | {"seed": seed, "value": value} for seed, value in enumerate(values)]
    return pd.DataFrame(rows, columns=MEASURES_COLUMNS)


def of_variant(stage: str, *values: float, song: str = "", **changes: object) -> pd.DataFrame:
    """The same for a system trained here."""
    return measured(*values, stage=stage, **changes).assign(song=song, step=9)


def table_of(path: Path, *claims: dict[str, str]) -> Path:
    pd.DataFrame(claims, columns=CLAIM_COLUMNS).to_csv(path, index=False)
    return path


@pytest.fixture
def claim_with(tmp_path: Path):
    """Return a function that writes and reads back a modified claim."""

    def read(**changes: str) -> dict[str, object]:
        return read_claims(table_of(tmp_path / "claims.csv", CLAIM | changes), RATE_HZ)[0]

    return read


@pytest.mark.parametrize(
    ("values", "must_be", "holds"),
    [
        ((29.0, 30.0, 31.0), "above", True),
        ((29.0, 30.0, 31.0), "below", False),
        ((-1.0, 0.0, 1.0), "below", True),
        ((-1.0, 0.0, 1.0), "above", False),
        # The mean is beyond the threshold, but the interval reaches over it.
        ((9.0, 12.0, 15.0), "above", False),
        ((5.0, 8.0, 11.0), "below", False),
    ],
)
def test_a_claim_holds_if_its_whole_interval_lies_beyond_the_threshold(
    claim_with, values, must_be, holds
) -> None:
    row = verdict(claim_with(must_be=must_be), measured(*values))
    assert list(row) == VERDICT_COLUMNS
    assert row["holds"] is holds
    assert row["value"] == pytest.approx(np.mean(values))
    half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # Student's t, two degrees of freedom
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half))
    assert (row["unit"], row["n_seeds"], row["threshold"]) == ("dB", 3, 10)


@pytest.mark.parametrize(("value", "must_be"), [(10.1, "above"), (9.9, "below")])
def test_one_seed_has_no_interval_and_its_value_decides(claim_with, value, must_be) -> None:
    row = verdict(claim_with(must_be=must_be), measured(value))
    assert row["holds"] is True and row["n_seeds"] == 1
    assert np.isnan([row["low"], row["high"]]).all()
    assert verdict(claim_with(must_be=must_be), measured(20 - value))["holds"] is False


def test_levels_of_exact_zeros_have_no_interval_and_every_seed_decides(claim_with) -> None:
    claim = claim_with(must_be="below", threshold="-100")
    row = verdict(claim, measured(-np.inf, -140.0))
    assert (row["value"], row["holds"], row["n_seeds"]) == (-np.inf, True, 2)
    assert np.isnan([row["low"], row["high"]]).all()
    assert verdict(claim, measured(-np.inf, -90.0))["holds"] is False
    assert verdict(claim_with(), measured(np.inf, 5.0, 5.0))["holds"] is False
    assert verdict(claim_with(), measured(np.inf, 15.0, 15.0))["holds"] is True


def test_the_number_of_a_theorem_is_its_largest_error(claim_with) -> None:
    claim = claim_with(kind="theorem", must_be="below", threshold="1e-5", measure="error")
    row = verdict(claim, measured(1e-7, 3e-6, 0.0, measure="error", unit="1"))
    assert (row["value"], row["unit"], row["holds"]) == (3e-6, "1", True)
    assert (row["kind"], row["n_seeds"]) == ("theorem", 3)
    assert np.isnan([row["low"], row["high"]]).all()
    # The mean, 7e-6, would be below the threshold.
    assert verdict(claim, measured(1e-6, 2e-5, 0.0, measure="error", unit="1"))["holds"] is False


def test_a_level_becomes_the_error_of_a_theorem_as_an_amplitude_ratio(claim_with) -> None:
    claim = claim_with(kind="theorem", must_be="below", threshold="1e-5")
    row = verdict(claim, measured(-120.0, -np.inf))
    assert (row["value"], row["unit"], row["holds"]) == (pytest.approx(1e-6), "1", True)
    assert verdict(claim, measured(-np.inf))["value"] == 0
    assert verdict(claim, measured(-80.0))["holds"] is False
    assert verdict(claim, measured(-120.0, model="other")) is None


def test_an_output_without_lines_counts_none_but_only_if_it_was_measured(claim_with) -> None:
    claim = claim_with(
        measure="found_line_level", frequency_hz="", reduce="count", must_be="below",
        threshold="0.5",
    )  # fmt: skip
    others = measured(3.0, 4.0, 5.0)
    found = measured(-40.0, -50.0, measure="found_line_level").assign(seed=1)
    values = values_by_seed(claim, pd.concat([others, found]))
    assert values[""].to_dict() == {0: 0, 1: 2, 2: 0}
    row = verdict(claim, others)
    assert (row["value"], row["unit"], row["n_seeds"], row["holds"]) == (0, "lines", 3, True)
    for elsewhere in ({"model": "other"}, {"signal": "music"}, {"layer": "layer_1"}):
        assert verdict(claim, measured(3.0, **elsewhere)) is None


def test_undefined_values_are_ignored(claim_with) -> None:
    row = verdict(claim_with(), measured(30.0, np.nan, 32.0))
    assert (row["value"], row["n_seeds"]) == (31, 2)
    assert verdict(claim_with(), measured(np.nan)) is None


def test_a_claim_selects_only_its_own_rows(claim_with) -> None:
    decoys = [
        measured(99.0, model="other"),
        measured(99.0, signal="music"),
        measured(99.0, layer="layer_1"),
        measured(99.0, measure="line_level"),
        measured(99.0, frequency_hz=4000.0),
        measured(99.0, frequency_hz=np.nan),
    ]
    table = pd.concat([*decoys, measured(20.0)])
    assert values_by_seed(claim_with(), table).values.tolist() == [[20]]
    # Frequencies are written with six digits, which must still match.
    rounded = measured(20.0, frequency_hz=15848.4)
    assert len(values_by_seed(claim_with(frequency_hz="15848.4375"), rounded)) == 1


@pytest.mark.parametrize(
    ("frequency_hz", "reduce", "value"),
    [("2000 4000", "max", 9), ("2000 4000", "min", 3), ("", "max", 20), ("", "min", 3)],
)
def test_several_frequencies_are_reduced_to_their_extreme(
    claim_with, frequency_hz, reduce, value
) -> None:
    table = pd.concat(
        [measured(3.0), measured(9.0, frequency_hz=4000.0), measured(20.0, frequency_hz=1000.0)]
    )
    claim = claim_with(frequency_hz=frequency_hz, reduce=reduce)
    assert values_by_seed(claim, table).values.tolist() == [[value]]


def test_another_model_is_subtracted_seed_by_seed(claim_with) -> None:
    """Seeds differ by far more than models do: only a paired comparison shows the difference."""
    original, modified = measured(100.0, 50.0, 0.0), measured(88.0, 38.0, -11.0, model="modified")
    shuffled = pd.concat([original, modified.iloc[::-1]])
    claim = claim_with(minus_model="modified")
    assert values_by_seed(claim, shuffled)[""].to_dict() == {0: 12, 1: 12, 2: 11}
    assert verdict(claim, shuffled)["holds"] is True
    unpaired = pd.concat([original, modified.iloc[:2]])
    assert verdict(claim, unpaired)["n_seeds"] == 2
    assert verdict(claim, original) is None
    silent = pd.concat([measured(-np.inf), measured(-np.inf, model="modified")])
    assert verdict(claim, silent) is None  # the difference is undefined


def test_another_stage_is_subtracted_seed_by_seed_and_song_by_song(claim_with) -> None:
    """Songs differ by 100 dB, seeds by 10 dB, the stages always by about 5 dB."""
    rows = []
    for song, song_db in (("a", 0.0), ("b", 100.0)):
        after = np.array([0.0, 10.0, 20.0]) + song_db
        lowering = np.array([5.0, 6.0, 4.0]) + (song == "b")
        rows.append(of_variant("trained", *after, song=song))
        rows.append(of_variant("initialization", *(after + lowering), song=song))
    claim = claim_with(stage="initialization", minus_stage="trained", threshold="0")
    values = values_by_seed(claim, pd.concat(rows))
    assert values.to_dict() == {"a": {0: 5, 1: 6, 2: 4}, "b": {0: 6, 1: 7, 2: 5}}
    row = verdict(claim, pd.concat(rows))
    assert (row["value"], row["n_seeds"], row["n_songs"]) == (5.5, 3, 2)
    # Half-widths over seeds (deviation 1) and songs (deviation 1 / sqrt 2), in quadrature.
    half = np.hypot(4.302653 / np.sqrt(3), 12.7062 * np.sqrt(0.5) / np.sqrt(2))
    assert row["high"] - row["value"] == pytest.approx(half, rel=1e-4)
    assert verdict(claim, pd.concat(rows[::2])) is None  # nothing was probed before training


def test_a_claim_with_a_stage_selects_that_stage(claim_with) -> None:
    table = pd.concat([of_variant("initialization", 30.0), of_variant("trained", 5.0)])
    assert verdict(claim_with(stage="trained"), table)["value"] == 5
    assert verdict(claim_with(stage="initialization"), table)["value"] == 30


def test_a_tone_that_training_removes_entirely_is_lowered_without_bound(claim_with) -> None:
    claim = claim_with(stage="initialization", minus_stage="trained", threshold="0")
    before = of_variant("initialization", -40.0, -41.0, -42.0)
    row = verdict(claim, pd.concat([before, of_variant("trained", -np.inf, -np.inf, -60.0)]))
    assert (row["value"], row["verdict"], row["n_seeds"]) == (np.inf, "holds", 3)
    assert np.isnan([row["low"], row["high"]]).all()
    # One seed is louder than before: the seeds disagree, infinite mean or not.
    row = verdict(claim, pd.concat([before, of_variant("trained", -np.inf, -np.inf, -30.0)]))
    assert (row["value"], row["verdict"]) == (np.inf, "undecided")
    # Exactly zero before and after: undefined.
    silent = of_variant("initialization", -np.inf, -40.0, -42.0)
    row = verdict(claim, pd.concat([silent, of_variant("trained", -np.inf, -50.0, -52.0)]))
    assert (row["value"], row["n_seeds"]) == (10, 2)


@pytest.mark.parametrize(
    ("values", "must_be", "text"),
    [
        ((29.0, 30.0, 31.0), "above", "holds"),
        ((29.0, 30.0, 31.0), "below", "does not hold"),
        ((5.0, 10.5, 15.0), "above", "undecided"),
        ((5.0, 10.5, 15.0), "below", "undecided"),
        # A single seed has no interval that could include the threshold.
        ((30.0,), "above", "holds"),
        ((30.0,), "below", "does not hold"),
        ((-np.inf, -50.0, -60.0), "below", "holds"),
        ((-np.inf, -50.0, 60.0), "below", "undecided"),
        ((-np.inf, 50.0, 60.0), "above", "undecided"),
        ((np.inf, 50.0, 60.0), "below", "does not hold"),
    ],
)
def test_a_claim_whose_interval_includes_the_threshold_is_undecided(
    claim_with, values, must_be, text
) -> None:
    row = verdict(claim_with(must_be=must_be), measured(*values))
    assert row["verdict"] == text
    assert row["holds"] is (text == "holds")


def test_several_comparisons_widen_the_interval(claim_with) -> None:
    alone, together = (verdict(claim_with(), measured(8.0, 12.0, 16.0), n) for n in (1, 10))
    ratio = (together["high"] - together["value"]) / (alone["high"] - alone["value"])
    assert ratio == pytest.approx(14.08905 / 4.302653, rel=1e-5)  # t(0.9975) / t(0.975), two d. f.
    assert (alone["n_comparisons"], together["n_comparisons"]) == (1, 10)


DIFFERENCES = pd.DataFrame(
    [("net", "other", "mean of sources", -0.3, -0.5, -0.1, 5, -0.7, 0.1, 3, 4)],
    columns=["system", "reference", "source", "difference_db", "low_db", "high_db",
             "n_comparisons", "simultaneous_low_db", "simultaneous_high_db", "n_seeds", "n_songs"],
)  # fmt: skip
SDR = {
    "signal": "songs", "layer": "mean of sources", "measure": "sdr_difference",
    "frequency_hz": "", "minus_model": "other", "must_be": "below", "threshold": "0",
    "stage": "trained",
}  # fmt: skip


def test_a_difference_in_sdr_has_the_simultaneous_interval_of_its_family(claim_with) -> None:
    row = verdict(claim_with(**SDR), DIFFERENCES, 99)
    assert (row["value"], row["low"], row["high"]) == (-0.3, -0.7, 0.1)
    assert (row["unit"], row["n_seeds"], row["n_songs"], row["n_comparisons"]) == ("dB", 3, 4, 5)
    assert row["verdict"] == "undecided"  # its own interval excludes 0
    resolved = DIFFERENCES.assign(simultaneous_high_db=-0.05)
    assert verdict(claim_with(**SDR), resolved)["verdict"] == "holds"
    assert verdict(claim_with(**SDR | {"must_be": "above"}), resolved)["verdict"] == "does not hold"
    alone = DIFFERENCES.assign(simultaneous_low_db=np.nan, simultaneous_high_db=np.nan)
    assert verdict(claim_with(**SDR), alone) is None  # one seed and one song
    for changes in ({"model": "third"}, {"minus_model": "third"}, {"layer": "drums"}):
        assert verdict(claim_with(**SDR | changes), DIFFERENCES) is None


def test_frequencies_may_be_fractions_of_the_rate(claim_with) -> None:
    claim = claim_with(frequency_hz="rate/4 rate/2 123", reduce="max")
    assert claim["frequency_hz"] == [2000, 4000, 123]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "line_prominence of net, noise in, at 2000 Hz"),
        (
            {"stage": "initialization", "minus_stage": "trained"},
            "line_prominence of initialization net minus trained, noise in, at 2000 Hz",
        ),
        (
            {"stage": "trained", "minus_model": "b"},
            "line_prominence of trained net minus b, noise in, at 2000 Hz",
        ),
        ({"layer": "layer_2"}, "line_prominence of net, noise in, layer_2, at 2000 Hz"),
        ({"frequency_hz": ""}, "line_prominence of net, noise in"),
        ({"minus_model": "b"}, "line_prominence of net minus b, noise in, at 2000 Hz"),
        (
            {"frequency_hz": "5512.5 4000", "reduce": "min"},
            "line_prominence of net, noise in, at 5512.5, 4000 Hz (min)",
        ),
        (
            {"frequency_hz": "", "reduce": "max"},
            "line_prominence of net, noise in, at all predicted frequencies (max)",
        ),
        (
            {"frequency_hz": "", "reduce": "count", "measure": "found_line_level"},
            "found_line_level of net, noise in, at any frequency (count)",
        ),
    ],
)
def test_the_description_states_what_was_measured(claim_with, changes, text) -> None:
    assert description(claim_with(**changes)) == text


def write_tables(folder: Path) -> tuple[Path, ...]:
    """Measures, gradients, variants and SDR differences of three seeds."""
    measured(30.0, 31.0, 32.0).to_csv(folder / "measures.csv", index=False)
    gradients = [("l1", seed, 2000.0, "gradient_level", -40.0, "dB") for seed in range(3)]
    pd.DataFrame(gradients, columns=GRADIENT_COLUMNS).to_csv(folder / "gradients.csv", index=False)
    lines = pd.concat(
        [
            of_variant(stage, *values, measure="line_level").assign(source=source)
            for stage, source, values in (
                ("initialization", "drums", (-40.0, -41.0, -42.0)),
                ("trained", "drums", (-60.0, -61.0, -62.0)),
                # The loudest source counts, not the mean of all.
                ("trained", "bass", (-50.0, -51.0, -52.0)),
                ("trained", None, (-99.0, -99.0, -99.0)),
            )
        ]
    ).assign(arithmetic="separation", implementation="-", precision="32-true")
    lines[VARIANT_COLUMNS].to_csv(folder / "variants.csv", index=False)
    DIFFERENCES.to_csv(folder / "differences.csv", index=False)
    names = ("measures", "gradients", "variants", "differences")
    return tuple(folder / f"{name}.csv" for name in names)


def test_only_measured_claims_get_a_written_verdict(tmp_path: Path) -> None:
    tables = write_tables(tmp_path)
    of_loss = {"model": "l1", "layer": "gradient", "measure": "gradient_level"}
    of_training = {"measure": "line_level", "stage": "initialization", "minus_stage": "trained"}
    paper = table_of(tmp_path / "paper.csv", CLAIM, CLAIM | {"model": "omitted"})
    mine = table_of(
        tmp_path / "mine.csv", CLAIM | {"claim": "M1", "must_be": "below"},
        CLAIM | {"claim": "M2", "must_be": "below"} | of_loss,
        CLAIM | {"claim": "M3", "threshold": "9.5", "frequency_hz": "rate/4"} | of_training,
        CLAIM | {"claim": "M3", "model": "omitted"} | of_training,
        CLAIM | {"claim": "M4"} | SDR,
    )  # fmt: skip
    path = tmp_path / "verdicts.csv"
    write_claims(*tables, [paper, mine], RATE_HZ, path)
    table = pd.read_csv(path)
    assert list(table.columns) == VERDICT_COLUMNS
    assert table["claim"].tolist() == ["C1", "M1", "M2", "M3", "M4"]
    assert table["holds"].tolist() == [True, False, True, True, False]
    assert table["value"].tolist() == [31, 31, -40, 10, -0.3] and (table["n_seeds"] == 3).all()
    measures, gradients, *_ = tables
    write_claims(measures, gradients, None, None, [paper, mine], RATE_HZ, path)
    pd.testing.assert_frame_equal(pd.read_csv(path), table.head(3), check_dtype=False)


def test_the_measured_measurements_of_a_claim_are_counted(tmp_path: Path) -> None:
    tables = write_tables(tmp_path)
    claims = table_of(
        tmp_path / "claims.csv", CLAIM, CLAIM | {"must_be": "below"}, CLAIM | {"model": "omitted"},
        CLAIM | {"kind": "reading", "statement": "A: b"}, CLAIM | {"claim": "C2"},
    )  # fmt: skip
    write_claims(*tables, [claims], RATE_HZ, tmp_path / "verdicts.csv")
    table = pd.read_csv(tmp_path / "verdicts.csv")
    assert table["n_comparisons"].tolist() == [2, 2, 1, 1]
    half = 6.205347 / np.sqrt(3)  # t(1 - 0.05 / 4)
    assert table["high"][0] - table["value"][0] == pytest.approx(half, rel=1e-4)
    assert table["high"][3] - table["value"][3] == pytest.approx(4.302653 / np.sqrt(3), rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": "ten"}, "'ten' is not a number"),
        ({"frequency_hz": "rate/four"}, "'four' is not a number"),
        ({"frequency_hz": "rate"}, "'' is not a number"),
        ({"frequency_hz": "rate/0"}, "'rate/0' is not a fraction of the rate; write rate/4"),
        ({"stage": "after"}, "stage is 'after'; use initialization or trained"),
        ({"minus_stage": "trained"}, "minus_stage is set, but stage is empty"),
        ({"threshold": ""}, "'' is not a number"),
        ({"threshold": "nan"}, "'nan' is not a number"),
        ({"frequency_hz": "2000 4k"}, "'4k' is not a number"),
        (
            {"frequency_hz": "2000 4000"},
            "several frequencies, but reduce is empty; use max or min or count",
        ),
        ({"must_be": "over"}, "must_be is 'over'; use above or below"),
        ({"reduce": "mean"}, "reduce is 'mean'; use max or min or count"),
        ({"kind": "guess"}, "kind is 'guess'; use theorem or measurement or reading"),
        ({"kind": ""}, "kind is ''; use theorem or measurement or reading"),
        ({"kind": "theorem"}, "must_be is 'above', but a theorem's number is an error; use below"),
        ({"kind": "reading"}, "the statement of a reading must be '<reading>: <criterion>'"),
        ({"model": ""}, "model is empty"),
    ],
)
def test_an_invalid_row_gets_one_line(tmp_path: Path, changes, message) -> None:
    path = table_of(tmp_path / "claims.csv", CLAIM, CLAIM | changes)
    with pytest.raises(InputError) as error:
        read_claims(path, RATE_HZ)
    assert str(error.value) == f"{path}: line 3: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its columns must be claim, section"),
        ("claim,model\n", "its columns must be claim, section"),
        (
            ",".join(CLAIM_COLUMNS) + "\n\nC1,1,One, two,n,n,o,l,,,,above,1,measurement,,\n",
            "line 3: 16 fields",
        ),
        (",".join(CLAIM_COLUMNS) + "\nC1,1\n", "line 2: 2 fields for 15 columns"),
        ("\xff", "not UTF-8 text"),
    ],
)
def test_an_invalid_table_gets_one_line(tmp_path: Path, text, message) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message) as error:
        read_claims(path, RATE_HZ)
    assert "\n" not in str(error.value) and str(error.value).startswith(str(path))


def test_a_table_saved_by_a_spreadsheet_gives_the_same_claims(tmp_path: Path) -> None:
    path = table_of(tmp_path / "claims.csv", CLAIM)
    plain = read_claims(path, RATE_HZ)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_claims(path, RATE_HZ) == plain
