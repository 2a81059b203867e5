"""The values of the spectrum explorer."""

import json
from pathlib import Path

import numpy as np
from upsampling_artifacts.report.spectra import MAX_BINS, mean_spectrum_db, spectra_values

from .conftest import SYSTEMS, Report


def test_levels_are_means_of_power(report: Report) -> None:
    values = spectra_values(report.files.spectra, tone_hz=2000.0)
    data = json.loads(values["json"])
    assert [signal["name"] for signal in values["signals"]] == ["silence", "near_silence", "noise"]
    assert list(data["levels_db"]) == SYSTEMS
    for path in map(Path, report.files.spectra):
        levels_db = data["levels_db"][path.parents[2].name][path.stem]
        with np.load(path) as arrays:
            for signal, found_db in levels_db.items():
                power = np.mean(10 ** (arrays[f"{signal}_db"].astype(float) / 10), axis=1)
                if power.any():
                    np.testing.assert_allclose(found_db, 10 * np.log10(power), atol=0.051)
                else:
                    assert found_db == [None] * 65
    assert values["bin_hz"] == 62.5
    assert data["frequencies_hz"][values["reading"]] == 2000


def test_marks_are_predicted_tones_that_are_resolved(report: Report) -> None:
    marks = json.loads(spectra_values(report.files.spectra, tone_hz=2000.0)["json"])["marks"]
    assert marks == [
        {"hz": 500, "label": "1/16", "last": False},
        {"hz": 2000, "label": "1/4", "last": True},
        {"hz": 4000, "label": "1/2", "last": True},
    ]


def test_fine_spectra_are_thinned_to_a_size_that_fits_the_page() -> None:
    frequencies_hz = np.linspace(0, 22050, 1025)
    levels_db = np.full((1025, 3), -80.0)
    levels_db[512] = -20.0  # a line, which stays
    thin_hz, thin_db = mean_spectrum_db(frequencies_hz, np.arange(3.0), levels_db)
    assert len(thin_hz) == len(thin_db) == MAX_BINS
    assert thin_db.max() == thin_db[np.argmin(np.abs(thin_hz - frequencies_hz[512]))]
    np.testing.assert_allclose(thin_db.max(), -20 - 10 * np.log10(4), atol=0.01)
