"""config/paper_claims.csv contains every claim of the paper, and each can be tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.musdb18 import Recording
from upsampling_artifacts.data.sound_set import COLUMNS as SOUND_COLUMNS
from upsampling_artifacts.data.sound_set import LEVEL, TABLE
from upsampling_artifacts.evaluation.claims import description, read_claims, values_by_seed, verdict
from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.pipeline import configuration, selections
from upsampling_artifacts.probes.identities import measure_identities
from upsampling_artifacts.probes.line_summary import largest_of_sources
from upsampling_artifacts.probes.loss_gradients import probe_loss_gradients
from upsampling_artifacts.probes.measures_table import gather_measures, label_gradients
from upsampling_artifacts.probes.readings import probe_readings
from upsampling_artifacts.probes.stacks import probe_stacks
from upsampling_artifacts.probes.systems import probe_system
from upsampling_artifacts.probes.variants import probe_variant
from upsampling_artifacts.report.verdicts import reading_table

from ..clone import REPOSITORY
from ..configs import SCHEMA, read_config
from ..once import made_once

PATH = REPOSITORY / "config/paper_claims.csv"
RATE_HZ = 8000
ALL_CLAIMS = read_claims(PATH, RATE_HZ)
# About untrained networks; the others are about systems trained here.
CLAIMS = [claim for claim in ALL_CLAIMS if not claim["stage"]]
OF_TRAINING = [claim for claim in ALL_CLAIMS if claim["stage"]]
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
    folder = made_once(tmp_path_factory, "measures_for_claims", write_measures)
    return pd.read_pickle(folder / "measures.pickle")


def write_measures(folder: Path) -> None:
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
        selections.distinct_losses(config), [0], folder / "gradients", folder / "gradients.npz"
    )
    gradients = label_gradients(pd.read_csv(folder / "gradients"))
    measures = pd.concat([pd.read_csv(folder / "gathered"), gradients])
    measures.to_pickle(folder / "measures.pickle")


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the tones of small variants. Their training halves the output, and nothing else; only
    subpixel convolutions with ICNR end with weights that are as random as those without."""
    folder = made_once(tmp_path_factory, "variants_for_claims", write_variants)
    return pd.read_pickle(folder / "variants.pickle")


def write_variants(folder: Path) -> None:
    rng = np.random.default_rng(0)
    stems = 0.05 * rng.standard_normal((3, 2, 4 * RATE_HZ))
    song = Recording("song", ("drums", "bass"), stems.astype(np.float32), RATE_HZ)
    write_cache(song, folder / "song.npy", RATE_HZ)
    names = ("logarithmic_sweep", "impulses", "speech")
    for name in names:
        sound = LEVEL * rng.standard_normal((2, 2 * RATE_HZ))
        soundfile.write(folder / f"{name}.wav", sound.T, RATE_HZ, subtype="FLOAT")
    table = {"name": names, "kind": "", "file": [f"{name}.wav" for name in names]}
    pd.DataFrame(table, columns=SOUND_COLUMNS).fillna("").to_csv(folder / TABLE, index=False)
    tables = []
    for name in (
        "demucs_transposed", "demucs_subpixel", "demucs_nearest", "demucs_linear",
        "demucs_subpixel_icnr",
    ):  # fmt: skip
        row = read_config()["systems"][name]
        about = {
            "architecture": "demucs", "options": {"channels": 4, "depth": 2},
            "upsampler": row["upsampler"], "sources": song.sources, "audio_channels": 2, "seed": 0,
        }  # fmt: skip
        random = {key: row["upsampler"][key] for key in ("name", "length")}
        weights = build_described({**about, "upsampler": random}).state_dict()
        for parameter in ("weight", "bias"):  # of the last layer
            weights[f"decoder.1.2.convolution.{parameter}"] /= 2
        save_model(folder / "model.safetensors", weights, about)
        for model in (None, folder / "model.safetensors"):
            probe_variant(
                {key: about[key] for key in ("architecture", "options", "upsampler")}, name, 0,
                model, [str(folder / "song.npy")], [], folder, segment_seconds=0.512,
                signal_seconds=2, csv_path=folder / "probe.csv", arrays_path=folder / "probe.npz",
            )  # fmt: skip
            tables.append(pd.read_csv(folder / "probe.csv"))
    largest_of_sources(pd.concat(tables)).to_pickle(folder / "variants.pickle")


DIFFERENCES = pd.DataFrame(
    [
        (system, "demucs_transposed", MEAN, 3, 3, value, value - 0.1, value + 0.1, 5)
        for system, value in (
            ("demucs_subpixel", 0.3), ("demucs_nearest", -0.3), ("demucs_linear", -0.5)
        )
    ],
    columns=["system", "reference", "source", "n_seeds", "n_songs", "difference_db",
             "simultaneous_low_db", "simultaneous_high_db", "n_comparisons"],
)  # fmt: skip


def test_the_table_has_all_claims_in_order() -> None:
    names = list(dict.fromkeys(claim["claim"] for claim in ALL_CLAIMS))
    in_order = [f"C{number}" for number in range(1, 18)]
    assert names == [*in_order, "C18", "C19", "C20"]
    sections = [int(claim["section"]) for claim in ALL_CLAIMS if claim["claim"] in in_order]
    assert sections == sorted(sections) and set(sections) == {1, 2, 3, 4, 5, 6}
    later = {claim["claim"]: claim["section"] for claim in ALL_CLAIMS}
    assert [later[claim] for claim in ("C18", "C19", "C20")] == ["2", "2", "4"]
    assert {claim["claim"] for claim in OF_TRAINING} == {"C14", "C15", "C16", "C17", "C20"}
    statements = [claim["statement"] for claim in ALL_CLAIMS]
    assert len(set(statements)) == len(statements)
    assert all(
        claim["statement"].endswith((".", ")."))
        for claim in ALL_CLAIMS if claim["kind"] != "reading"
    )  # fmt: skip


@pytest.mark.parametrize("claim", OF_TRAINING, ids=description)
def test_claims_about_training_hold_for_a_training_that_halves_the_output(
    variants: pd.DataFrame, claim
) -> None:
    table = DIFFERENCES if claim["claim"] == "C17" else variants
    row = verdict(claim, table)
    assert row["holds"] and row["unit"] == "dB", row
    if claim["claim"] == "C14":
        assert row["value"] == pytest.approx(20 * np.log10(2), abs=0.01)


@pytest.mark.parametrize("claim", OF_TRAINING, ids=description)
def test_every_claim_about_training_comes_out_the_other_way_for_some_training(
    variants: pd.DataFrame, claim
) -> None:
    if claim["claim"] == "C17":  # the opposite order
        bounds = ["difference_db", "simultaneous_low_db", "simultaneous_high_db"]
        table = DIFFERENCES.assign(**(-DIFFERENCES[bounds]))
    elif claim["claim"] == "C14":  # a training that doubles the output
        swapped = {"initialization": "trained", "trained": "initialization"}
        table = variants.replace({"stage": swapped})
    else:  # another upsampler
        lacks_tone = claim["claim"] == "C16" or claim["must_be"] == "below"
        other = "demucs_subpixel" if lacks_tone else "demucs_nearest"
        table = variants[variants["model"] == other].assign(model=claim["model"])
    assert verdict(claim, table)["verdict"] == "does not hold"


def test_no_row_restates_another() -> None:
    numbers = [(description(claim), claim["must_be"]) for claim in ALL_CLAIMS]
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
    assert len(PATH.read_text().splitlines()) == len(ALL_CLAIMS) + 1
