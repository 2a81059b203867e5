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
from upsampling_artifacts.probes.measures_table import GRADIENT_COLUMNS, MEASURES_COLUMNS

CLAIM = {
    "claim": "C1", "section": "1", "statement": "A tone.", "model": "net", "signal": "noise",
    "layer": "output", "measure": "line_prominence", "frequency_hz": "2000", "reduce": "",
    "minus_model": "", "must_be": "above", "threshold": "10", "kind": "measurement",
}  # fmt: skip


def measured(*values: float, model: str = "net", **changes: object) -> pd.DataFrame:
    """Return measures with one value for each seed 0, 1, 2, ..."""
    row = {
        "model": model, "stage": "initialization", "signal": "noise", "layer": "output",
        "measure": "line_prominence", "frequency_hz": 2000.0, "unit": "dB",
    }  # fmt: skip
    rows = [row | changes | {"seed": seed, "value": value} for seed, value in enumerate(values)]
    return pd.DataFrame(rows, columns=MEASURES_COLUMNS)


def table_of(path: Path, *claims: dict[str, str]) -> Path:
    pd.DataFrame(claims, columns=CLAIM_COLUMNS).to_csv(path, index=False)
    return path


@pytest.fixture
def claim_with(tmp_path: Path):
    """Return a function that writes and reads back a modified claim."""

    def read(**changes: str) -> dict[str, object]:
        return read_claims(table_of(tmp_path / "claims.csv", CLAIM | changes))[0]

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
    assert values.to_dict() == {0: 0, 1: 2, 2: 0}
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
    assert values_by_seed(claim_with(), table).tolist() == [20]
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
    assert values_by_seed(claim, table).tolist() == [value]


def test_another_model_is_subtracted_seed_by_seed(claim_with) -> None:
    """Seeds differ by far more than models do: only a paired comparison shows the difference."""
    original, modified = measured(100.0, 50.0, 0.0), measured(88.0, 38.0, -11.0, model="modified")
    shuffled = pd.concat([original, modified.iloc[::-1]])
    claim = claim_with(minus_model="modified")
    assert values_by_seed(claim, shuffled).to_dict() == {0: 12, 1: 12, 2: 11}
    assert verdict(claim, shuffled)["holds"] is True
    unpaired = pd.concat([original, modified.iloc[:2]])
    assert verdict(claim, unpaired)["n_seeds"] == 2
    assert verdict(claim, original) is None
    silent = pd.concat([measured(-np.inf), measured(-np.inf, model="modified")])
    assert verdict(claim, silent) is None  # the difference is undefined


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "line_prominence of net, noise in, at 2000 Hz"),
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


def test_only_measured_claims_get_a_written_verdict(tmp_path: Path) -> None:
    measured(30.0, 31.0, 32.0).to_csv(tmp_path / "measures.csv", index=False)
    gradients = [("l1", seed, 2000.0, "gradient_level", -40.0, "dB") for seed in range(3)]
    pd.DataFrame(gradients, columns=GRADIENT_COLUMNS).to_csv(tmp_path / "g.csv", index=False)
    of_loss = {"model": "l1", "layer": "gradient", "measure": "gradient_level"}
    paper = table_of(tmp_path / "paper.csv", CLAIM, CLAIM | {"model": "omitted"})
    mine = table_of(tmp_path / "mine.csv", CLAIM | {"claim": "M1", "must_be": "below"},
                    CLAIM | {"claim": "M2", "must_be": "below"} | of_loss)  # fmt: skip
    write_claims(
        tmp_path / "measures.csv", tmp_path / "g.csv", [paper, mine], tmp_path / "verdicts.csv"
    )
    table = pd.read_csv(tmp_path / "verdicts.csv")
    assert list(table.columns) == VERDICT_COLUMNS
    assert table["claim"].tolist() == ["C1", "M1", "M2"]
    assert table["holds"].tolist() == [True, False, True]
    assert table["value"].tolist() == [31, 31, -40] and (table["n_seeds"] == 3).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": "ten"}, "'ten' is not a number"),
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
        read_claims(path)
    assert str(error.value) == f"{path}: line 3: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its columns must be claim, section"),
        ("claim,model\n", "its columns must be claim, section"),
        (
            ",".join(CLAIM_COLUMNS) + "\n\nC1,1,One, two,n,n,o,l,,,,above,1,measurement\n",
            "line 3: 14 fields",
        ),
        (",".join(CLAIM_COLUMNS) + "\nC1,1\n", "line 2: 2 fields for 13 columns"),
        ("\xff", "not UTF-8 text"),
    ],
)
def test_an_invalid_table_gets_one_line(tmp_path: Path, text, message) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message) as error:
        read_claims(path)
    assert "\n" not in str(error.value) and str(error.value).startswith(str(path))


def test_a_table_saved_by_a_spreadsheet_gives_the_same_claims(tmp_path: Path) -> None:
    path = table_of(tmp_path / "claims.csv", CLAIM)
    plain = read_claims(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_claims(path) == plain
