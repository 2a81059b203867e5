"""Summaries of models whose tables are known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.probes.model_summary import summarize_model, unpredicted_lines

RATE_HZ = 8000.0
TONES_HZ = [2000.0, 4000.0]
UP = ("up", "transposed", "up", 4)


def layers(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["name", "kind", "direction", "stride"])


def measures(lines: Sequence[tuple], found: Sequence[tuple] = (), seed: int = 0) -> pd.DataFrame:
    """Lines ``(signal, frequency_hz, level_db, prominence_db)``, predicted and found."""
    rows = [
        (seed, "initialization", signal, "output", f"{kind}_{what}", frequency_hz, value)
        for kind, table in (("line", lines), ("found_line", found))
        for signal, frequency_hz, level_db, prominence_db in table
        for what, value in (("level", level_db), ("prominence", prominence_db))
    ]
    return pd.DataFrame(
        rows, columns=["seed", "stage", "signal", "layer", "measure", "frequency_hz", "value"]
    )


def row_of(text: str, frequency: str) -> list[str]:
    (row,) = [line for line in text.splitlines() if line.strip().startswith(f"{frequency} Hz")]
    return row.split()[2:]


LOUD = [("noise", 2000.0, -20.0, 30.0), ("noise", 4000.0, -30.0, 5.0)]


def test_a_tone_stands_out_by_prominence() -> None:
    text = summarize_model("m", RATE_HZ, layers(UP), TONES_HZ, measures(LOUD))
    assert row_of(text, "2000.0") == ["rate/4", "30*"]
    assert row_of(text, "4000.0") == ["rate/2", "5"]
    assert text.index("4000.0 Hz") < text.index("2000.0 Hz")  # the smaller stride first
    assert [line.split()[-1] for line in text.splitlines() if "stand out, of 2" in line] == ["1"]


@pytest.mark.parametrize(("level_db", "mark"), [(-119, "*"), (-121, "")])
def test_a_line_100_db_below_the_loudest_does_not_stand_out(level_db: float, mark: str) -> None:
    silence = [("silence", 2000.0, level_db, 90.0), ("silence", 4000.0, -200.0, 0.0)]
    text = summarize_model("m", RATE_HZ, layers(UP), TONES_HZ, measures(LOUD + silence))
    assert row_of(text, "2000.0") == ["rate/4", "30*", f"{level_db}{mark}"]


def test_for_constant_inputs_levels_are_shown_instead_of_prominences() -> None:
    lines = [("ones", 2000.0, -14.0, 120.0), ("silence", 2000.0, -40.0, 90.0), *LOUD]
    found = [("ones", 1234.0, -30.0, 110.0)]
    text = summarize_model("m", RATE_HZ, layers(UP), [2000.0], measures(lines, found))
    assert row_of(text, "2000.0") == ["rate/4", "-14*", "-40*", "30*"]
    assert row_of(text, "1234.0") == ["ones", "-30.0", "dB"]


def test_noise_that_a_model_makes_by_itself_is_no_tone() -> None:
    silence = [("silence", tone_hz, -30.0, 5.0) for tone_hz in TONES_HZ]
    text = summarize_model("m", RATE_HZ, layers(UP), TONES_HZ, measures(LOUD + silence))
    assert row_of(text, "2000.0") == ["rate/4", "30*", "-30"]


def test_an_exactly_silent_output_is_called_silent() -> None:
    nothing = [("silence", tone_hz, -np.inf, np.nan) for tone_hz in TONES_HZ]
    text = summarize_model("m", RATE_HZ, layers(UP), TONES_HZ, measures(LOUD + nothing))
    assert row_of(text, "2000.0") == ["rate/4", "30*", "silent"]


def test_seeds_are_averaged_with_their_interval() -> None:
    tables = [
        measures([("noise", 2000.0, -20.0, prominence_db)], seed=seed)
        for seed, prominence_db in enumerate((20.0, 30.0, 40.0))
    ]
    text = summarize_model("m", RATE_HZ, layers(UP), [2000.0], pd.concat(tables))
    # t(0.975, 2 degrees of freedom) = 4.303, times 10 / sqrt(3)
    assert row_of(text, "2000.0") == ["rate/4", "30", "±25*"]
    assert "3 seeds" in text


def origins(spectral: int | None, found_hz: float, signal: str = "noise", stride: int = 4) -> list:
    rows = [("up", "transposed", "up", stride)]
    rows += [("istft", "istft", "up", spectral)] if spectral else []
    table = measures(LOUD, [(signal, found_hz, -20.0, 20.0)])
    return list(unpredicted_lines(table, layers(*rows), TONES_HZ, RATE_HZ)["origin"])


def test_found_lines_are_attributed_to_their_origin() -> None:
    assert origins(None, 2000.6) == []  # predicted
    assert origins(None, 1234.5) == [""]
    assert origins(100, 240.4) == ["rate/100, the hop of the inverse Fourier transform"]
    assert origins(100, 250.0) == [""]
    assert origins(None, 160.0, stride=100) == ["rate/100, the product of all upsampling strides"]


def test_densely_spaced_multiples_explain_no_line() -> None:
    assert origins(400, 1240.0) == [""]  # 20 Hz apart


def test_lines_found_in_music_and_sweeps_are_ignored() -> None:
    for signal in ("music", "sweep"):
        assert origins(None, 1234.5, signal) == []


def test_an_unpredicted_line_is_listed_with_the_stride_that_fits() -> None:
    tables = [
        measures(LOUD, [("noise", 3200.2, -20.0, 20.0), ("noise", 1234.0, -40.0, 12.0)]),
        measures(LOUD, [("noise", 3199.8, -22.0, 22.0)], seed=1),
    ]
    text = summarize_model("m", RATE_HZ, layers(UP), TONES_HZ, pd.concat(tables))
    assert "Other stationary narrow lines: 2:" in text
    assert (
        "     3200.0 Hz  noise     -21.0 dB, prominence 21 dB, in 2 of 2 seeds, = 2 rate/5" in text
    )
    assert "in 1 of 2 seeds" in text
