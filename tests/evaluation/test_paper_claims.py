"""config/paper_claims.csv contains every claim of the paper, and each can be tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.claims import description, read_claims, values_by_seed, verdict
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

# These follow from the mathematics: they hold for a single seed, on any machine.
CERTAIN = {"C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11"}


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the measures of all probes for one seed, with small networks."""
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


def test_the_table_has_all_claims_in_the_papers_order() -> None:
    names = list(dict.fromkeys(claim["claim"] for claim in CLAIMS))
    assert names == [f"C{number}" for number in range(1, 14)]
    sections = [int(claim["section"]) for claim in CLAIMS]
    assert sections == sorted(sections) and set(sections) == {1, 2, 3, 4, 5}
    statements = [claim["statement"] for claim in CLAIMS if claim["claim"] != "C9"]
    assert len(set(statements)) == len(statements)
    assert all(text.endswith((".", ").")) for text in statements)


def test_every_claim_selects_numbers_that_the_probes_measure(measures: pd.DataFrame) -> None:
    for claim in CLAIMS:
        assert verdict(claim, measures) is not None, description(claim)
        assert values_by_seed(claim, measures).index.tolist() == [0], description(claim)


def test_every_claim_names_measured_frequencies_and_is_unambiguous(measures) -> None:
    for claim in CLAIMS:
        for model in filter(None, (claim["model"], claim["minus_model"])):
            selected = measures["model"] == model
            for column in ("signal", "layer", "measure"):
                selected &= measures[column] == claim[column]
            measured_hz = measures[selected]["frequency_hz"].to_numpy()
            assert len(measured_hz), (model, description(claim))
            for frequency_hz in claim["frequency_hz"]:
                assert np.isclose(measured_hz, frequency_hz).any(), description(claim)
            if not claim["reduce"]:
                expected_hz = claim["frequency_hz"] or [np.nan]
                matches = np.isclose(measured_hz, expected_hz[0], equal_nan=True)
                assert matches.sum() == 1 and (claim["frequency_hz"] or matches.all())


def test_every_measure_has_the_expected_unit(measures) -> None:
    for claim in CLAIMS:
        unit = verdict(claim, measures)["unit"]
        expected = {"zero_insertion_error": "1", "boundary_start": "samples"}
        expected["boundary_end"] = "samples"
        assert unit == expected.get(claim["measure"], "dB")


@pytest.mark.parametrize("claim", sorted(CERTAIN))
def test_claims_that_follow_from_the_mathematics_hold(measures: pd.DataFrame, claim: str) -> None:
    rows = [verdict(row, measures) for row in CLAIMS if row["claim"] == claim]
    assert rows and all(row["holds"] for row in rows), rows


def test_the_modified_systems_implement_the_reading_of_figure_9_that_removes_the_line(
    measures,
) -> None:
    """No biases and no ReLU in the first encoder level: either change alone leaves a line."""
    holds = {
        row["model"]: verdict(row, measures)["holds"]
        for row in CLAIMS
        if row["model"].startswith("reading_no") and not row["minus_model"]
    }
    without_line = [model for model, held in holds.items() if held]
    assert "reading_no_biases_first_encoder_relu" in without_line
    assert holds["reading_no_biases"] is holds["reading_no_first_encoder_relu"] is False


def test_a_system_that_config_omits_has_no_verdict(measures: pd.DataFrame) -> None:
    fewer = measures[measures["model"] != "melgan"]
    melgan_claims = [claim for claim in CLAIMS if claim["model"] == "melgan"]
    assert melgan_claims and all(verdict(claim, fewer) is None for claim in melgan_claims)
    assert all(verdict(claim, measures) is not None for claim in melgan_claims)


def test_the_table_has_one_line_per_claim() -> None:
    assert len(PATH.read_text().splitlines()) == len(CLAIMS) + 1
