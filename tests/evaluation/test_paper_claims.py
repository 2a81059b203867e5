"""config/paper_claims.csv contains every claim of the paper, and each can be tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.claims import description, read_claims, values_by_seed, verdict
from upsampling_artifacts.pipeline import configuration
from upsampling_artifacts.probes.identities import measure_identities
from upsampling_artifacts.probes.loss_gradients import probe_loss_gradients
from upsampling_artifacts.probes.measures_table import gather_measures, label_gradients
from upsampling_artifacts.probes.readings import probe_readings
from upsampling_artifacts.probes.stacks import probe_stacks
from upsampling_artifacts.probes.systems import probe_system
from upsampling_artifacts.report.verdicts import reading_table

from ..clone import REPOSITORY
from ..configs import SCHEMA, read_config

PATH = REPOSITORY / "config/paper_claims.csv"
CLAIMS = read_claims(PATH)
SMALL = {"demucs": {"channels": 4, "depth": 6}, "melgan": {"channels": 64}}

MEASUREMENTS = [claim for claim in CLAIMS if claim["kind"] == "measurement"]
THEOREMS = [claim for claim in CLAIMS if claim["kind"] == "theorem"]
READINGS = [claim for claim in CLAIMS if claim["kind"] == "reading"]

# Systems that only serve as counter-models, in the form of config/systems.yaml.
COUNTER_SYSTEMS: dict[str, dict] = {
    "melgan_nearest": {"base": "melgan", "upsampler": {"name": "nearest", "length": 9}},
    "wrongly_modified_transposed": {
        "base": "demucs_transposed", "options": {"omit_relu": ["first_decoder"]},
    },
    "wrongly_modified_subpixel": {
        "base": "demucs_subpixel", "options": {"omit_relu": ["first_decoder"]},
    },
}  # fmt: skip

# The model for which a measurement comes out the other way, by the model that it replaces (in a
# difference, the one that is subtracted) and measure.
COUNTER_MODELS = {
    ("melgan", "line_prominence"): "melgan_nearest",
    ("melgan", "prominence_ratio"): "melgan_nearest",
    ("demucs_transposed", "line_prominence"): "demucs_nearest",
    ("demucs_subpixel", "line_prominence"): "demucs_linear",
    ("demucs_nearest", "line_prominence"): "demucs_transposed",
    ("demucs_nearest", "found_line_level"): "demucs_transposed",
    ("demucs_linear", "line_prominence"): "demucs_subpixel",
    ("demucs_linear", "found_line_level"): "demucs_subpixel",
    ("stack_transposed_none", "offset_image_level"): "stack_transposed_none_constant",
    ("stack_transposed_full", "offset_image_level"): "stack_transposed_full_constant",
    ("stack_nearest", "found_line_level"): "stack_transposed_full",
    ("stack_nearest", "valley_depth"): "stack_transposed_full",
    ("stack_linear", "found_line_level"): "stack_subpixel",
    ("stack_linear", "valley_depth"): "stack_subpixel",
    ("demucs_nearest", "valley_depth"): "demucs_transposed",
    ("demucs_linear", "valley_depth"): "demucs_subpixel",
    ("stack_subpixel", "offset_image_level"): "stack_subpixel_icnr",
    ("demucs_transposed", "offset_level"): "modified_transposed",
    ("reading_no_biases", "offset_level"): "reading_no_biases_first_encoder_relu",
    ("reading_no_biases_first_encoder_relu", "offset_level"): (
        "reading_no_biases_first_decoder_relu"
    ),
    ("modified_transposed", "line_level"): "wrongly_modified_transposed",
    ("modified_subpixel", "line_level"): "wrongly_modified_subpixel",
    ("modified_transposed", "masking_margin"): "demucs_transposed",
    ("modified_subpixel", "masking_margin"): "demucs_subpixel",
    ("demucs_transposed", "masking_margin"): "modified_transposed",
    ("demucs_subpixel", "masking_margin"): "modified_subpixel",
    ("deep_features", "gradient_prominence"): "l2",
    ("deep_features", "gradient_power_prominence"): "l2",
    ("deep_features_pooling", "gradient_power_prominence"): "l2",
    ("adversarial", "gradient_power_prominence"): "l2",
    ("l1", "gradient_prominence"): "deep_features",
    ("l2", "gradient_prominence"): "deep_features",
    ("l2", "gradient_power_prominence"): "deep_features",
    ("multi_resolution_stft", "gradient_prominence"): "deep_features",
    ("multi_resolution_stft", "gradient_power_prominence"): "deep_features",
    ("adversarial_phase_shuffle", "gradient_power_level"): "adversarial",
}

# Measurements that come out against the paper, and the model for which they would hold. Phase
# shuffle cannot move the pattern of the first convolution (models/adversarial.py).
REFUTED = {
    "Phase shuffle weakens what repeats with its first stride, at rate / 4 (level difference).": (
        "l2"
    ),
}


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the measures of all probes for one seed, with small networks."""
    folder = tmp_path_factory.mktemp("measures")
    config = configuration.resolve(read_config(), SCHEMA)
    probe_stacks([0], folder / "stacks.csv")
    probe_readings([0], folder / "readings.csv")
    measure_identities([0], folder / "identities.csv")
    systems = {name: config["systems"][name] for name in config["probes"]["systems"]}
    for name, changes in COUNTER_SYSTEMS.items():
        systems[name] = systems[changes["base"]] | changes
    for name, row in systems.items():
        system = {key: row[key] for key in ("architecture", "upsampler")}
        system["options"] = SMALL[row["architecture"]] | row["options"]
        probe_system(
            system, name, [0], row["full_size"], signal_seconds=1.0, spectrogram_seconds=1.0,
            csv_path=folder / f"{name}.csv", arrays_path=folder / f"{name}.npz",
        )  # fmt: skip
    gather_measures(sorted(folder.glob("*.csv")), folder / "gathered")
    probe_loss_gradients(
        configuration.distinct_losses(config), [0], folder / "gradients", folder / "gradients.npz"
    )
    gradients = label_gradients(pd.read_csv(folder / "gradients"))
    return pd.concat([pd.read_csv(folder / "gathered"), gradients])


def test_the_table_has_all_claims_in_order() -> None:
    names = list(dict.fromkeys(claim["claim"] for claim in CLAIMS))
    in_order = [f"C{number}" for number in range(1, 14)]
    assert names == [*in_order, "C18", "C19"]
    sections = [int(claim["section"]) for claim in CLAIMS if claim["claim"] in in_order]
    assert sections == sorted(sections) and set(sections) == {1, 2, 3, 4, 5}
    assert {claim["section"] for claim in CLAIMS if claim["claim"] not in in_order} == {"2"}
    statements = [claim["statement"] for claim in CLAIMS]
    assert len(set(statements)) == len(statements)
    assert all(claim["statement"].endswith((".", ").")) for claim in MEASUREMENTS + THEOREMS)


def test_no_row_restates_another() -> None:
    numbers = [(description(claim), claim["must_be"]) for claim in CLAIMS]
    assert len(set(numbers)) == len(numbers)


def test_every_reading_has_every_criterion() -> None:
    """Without and with Demucs' rescaling of its initial weights."""
    readings: dict[str, list[tuple]] = {}
    for claim in READINGS:
        reading, criterion = claim["statement"].split(": ")
        rescaled = claim["model"].endswith("_rescaled")
        assert criterion.endswith(", weights rescaled") is rescaled
        assert claim["minus_model"].endswith("_rescaled") is (
            rescaled and claim["measure"] == "line_level"
        )
        readings.setdefault(reading, []).append((criterion, claim["measure"], claim["threshold"]))
    first, *others = readings.values()
    assert len(others) == 4 and len(first) == 4
    assert all(criteria == first for criteria in others)


def test_every_claim_selects_numbers_that_the_probes_measure(measures: pd.DataFrame) -> None:
    for claim in CLAIMS:
        assert verdict(claim, measures) is not None, description(claim)
        assert values_by_seed(claim, measures).index.tolist() == [0], description(claim)


def test_every_claim_names_measured_frequencies_and_is_unambiguous(measures) -> None:
    for claim in CLAIMS:
        if claim["reduce"] == "count":  # of lines at any frequency, if there are any
            continue
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
        expected = "1" if claim["kind"] == "theorem" else "dB"
        expected = "lines" if claim["reduce"] == "count" else expected
        assert verdict(claim, measures)["unit"] == expected


@pytest.mark.parametrize("claim", THEOREMS, ids=description)
def test_theorems_hold_to_rounding(measures: pd.DataFrame, claim) -> None:
    row = verdict(claim, measures)
    assert row["holds"], row
    assert 0 <= row["value"] < 1e-6


@pytest.mark.parametrize("claim", MEASUREMENTS, ids=description)
def test_measurements_hold_for_small_networks(measures: pd.DataFrame, claim) -> None:
    row = verdict(claim, measures)
    assert row["holds"] is (claim["statement"] not in REFUTED), row


@pytest.mark.parametrize("claim", MEASUREMENTS, ids=description)
def test_every_measurement_comes_out_the_other_way_for_some_model(measures, claim) -> None:
    replaced = claim["minus_model"] or claim["model"]
    refuted = claim["statement"] in REFUTED
    counter_model = REFUTED.get(claim["statement"]) or COUNTER_MODELS[replaced, claim["measure"]]
    renamed = measures[measures["model"] == counter_model].assign(model=replaced)
    row = verdict(claim, pd.concat([measures[measures["model"] != replaced], renamed]))
    assert row is not None and row["holds"] is refuted, row


def test_the_modified_systems_implement_the_only_reading_that_fits_figure_9(measures) -> None:
    """No biases and no ReLU in the first encoder level: either change alone leaves a line."""
    table = reading_table(pd.DataFrame([verdict(claim, measures) for claim in READINGS]))
    fitting = [row["reading"] for row in table["rows"] if row["fits"]]
    assert fitting == ["No biases, no ReLU in the first encoder level"]


def test_a_system_that_config_omits_has_no_verdict(measures: pd.DataFrame) -> None:
    fewer = measures[measures["model"] != "melgan"]
    melgan_claims = [claim for claim in CLAIMS if claim["model"] == "melgan"]
    assert melgan_claims and all(verdict(claim, fewer) is None for claim in melgan_claims)
    assert all(verdict(claim, measures) is not None for claim in melgan_claims)


def test_the_table_has_one_line_per_claim() -> None:
    assert len(PATH.read_text().splitlines()) == len(CLAIMS) + 1
