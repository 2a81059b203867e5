"""config/paper_claims.csv: every claim of the paper is there, and each can be tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.claims import described, read_claims, values_by_seed, verdict
from upsampling_artifacts.pipeline import configuration
from upsampling_artifacts.probes.identities import measure_identities
from upsampling_artifacts.probes.measures_table import gather_measures
from upsampling_artifacts.probes.readings import probe_readings
from upsampling_artifacts.probes.stacks import probe_stacks
from upsampling_artifacts.probes.systems import probe_system

from ..clone import REPOSITORY
from ..configs import SCHEMA, read_config

PATH = REPOSITORY / "config/paper_claims.csv"
CLAIMS = read_claims(PATH)
SMALL = {"demucs": {"channels": 4, "depth": 6}, "melgan": {"channels": 64}}

# These hold for one seed already, whatever the machine: they follow from the mathematics.
CERTAIN = {"C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11"}


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What the probes give for one seed, with networks that are small."""
    folder = tmp_path_factory.mktemp("measures")
    config = configuration.resolve(read_config(), SCHEMA)
    probe_stacks([0], folder / "stacks.csv")
    probe_readings([0], folder / "readings.csv")
    measure_identities([0], folder / "identities.csv")
    for name in config["probes"]["systems"]:
        row = config["systems"][name]
        system = {key: row[key] for key in ("architecture", "upsampler")}
        system["options"] = SMALL[row["architecture"]] | row["options"]
        probe_system(
            system, name, [0], row["full_size"], signal_seconds=1.0, spectrogram_seconds=1.0,
            csv_path=folder / f"{name}.csv", arrays_path=folder / f"{name}.npz",
        )  # fmt: skip
    gather_measures(sorted(folder.glob("*.csv")), folder / "gathered")
    return pd.read_csv(folder / "gathered")


def test_all_claims_are_there_in_the_papers_order() -> None:
    names = list(dict.fromkeys(claim["claim"] for claim in CLAIMS))
    assert names == [f"C{number}" for number in range(1, 14)]
    sections = [int(claim["section"]) for claim in CLAIMS]
    assert sections == sorted(sections) and set(sections) == {1, 2, 3, 4, 5}
    statements = [claim["statement"] for claim in CLAIMS if claim["claim"] != "C9"]
    assert len(set(statements)) == len(statements)
    assert all(text.endswith((".", ").")) for text in statements)


def test_every_claim_selects_numbers_that_the_probes_give(measures: pd.DataFrame) -> None:
    for claim in CLAIMS:
        assert verdict(claim, measures) is not None, described(claim)
        assert values_by_seed(claim, measures).index.tolist() == [0], described(claim)


def test_every_model_has_every_frequency_and_without_a_choice_only_one_number(measures) -> None:
    for claim in CLAIMS:
        for model in filter(None, (claim["model"], claim["minus_model"])):
            chosen = measures["model"] == model
            for column in ("signal", "layer", "measure"):
                chosen &= measures[column] == claim[column]
            given_hz = measures[chosen]["frequency_hz"].to_numpy()
            assert len(given_hz), (model, described(claim))
            for frequency_hz in claim["frequency_hz"]:
                assert np.isclose(given_hz, frequency_hz).any(), described(claim)
            if not claim["reduce"]:
                at = claim["frequency_hz"] or [np.nan]
                matches = np.isclose(given_hz, at[0], equal_nan=True)
                assert matches.sum() == 1 and (claim["frequency_hz"] or matches.all())


def test_levels_and_prominences_have_thresholds_in_their_own_units(measures) -> None:
    for claim in CLAIMS:
        unit = verdict(claim, measures)["unit"]
        expected = {"zero_insertion_error": "1", "boundary_start": "samples"}
        expected["boundary_end"] = "samples"
        assert unit == expected.get(claim["measure"], "dB")


@pytest.mark.parametrize("claim", sorted(CERTAIN))
def test_what_follows_from_the_mathematics_holds(measures: pd.DataFrame, claim: str) -> None:
    rows = [verdict(row, measures) for row in CLAIMS if row["claim"] == claim]
    assert rows and all(row["holds"] for row in rows), rows


def test_the_reading_of_figure_9_that_removes_the_line_is_the_one_that_is_built(measures) -> None:
    """No biases and no ReLU in the first encoder level; each half alone leaves a line."""
    holds = {
        row["model"]: verdict(row, measures)["holds"]
        for row in CLAIMS
        if row["model"].startswith("reading_no") and not row["minus_model"]
    }
    without_line = [model for model, there in holds.items() if there]
    assert "reading_no_biases_first_encoder_relu" in without_line
    assert holds["reading_no_biases"] is holds["reading_no_first_encoder_relu"] is False


def test_a_system_that_config_leaves_out_has_no_verdict(measures: pd.DataFrame) -> None:
    fewer = measures[measures["model"] != "melgan"]
    of_melgan = [claim for claim in CLAIMS if claim["model"] == "melgan"]
    assert of_melgan and all(verdict(claim, fewer) is None for claim in of_melgan)
    assert all(verdict(claim, measures) is not None for claim in of_melgan)


def test_the_table_is_one_line_per_claim() -> None:
    assert len(PATH.read_text().splitlines()) == len(CLAIMS) + 1
