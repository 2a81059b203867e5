"""Tables of models for the tests of findings and summaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.probes.layer_tracer import Layer, layers_table, tone_strides

RATE_HZ = 8000.0


def up(name: str, stride: int, period: int, kind: str = "transposed", **more: object) -> Layer:
    return Layer(name, kind, stride, "up", period=period, **more)


def table(*layers: Layer) -> pd.DataFrame:
    return layers_table("m", list(layers))


def tones(*layers: Layer) -> np.ndarray:
    return predicted_tones(RATE_HZ, tone_strides(list(layers)))


def measures(lines: Sequence[tuple], found: Sequence[tuple] = (), seed: int = 0) -> pd.DataFrame:
    """Lines ``(signal, frequency_hz, level_db, prominence_db)``, predicted and found."""
    rows = [
        (seed, "initialization", signal, "output", f"{kind}_{what}", frequency_hz, value)
        for kind, lines_of_kind in (("line", lines), ("found_line", found))
        for signal, frequency_hz, level_db, prominence_db in lines_of_kind
        for what, value in (("level", level_db), ("prominence", prominence_db))
    ]
    columns = ["seed", "stage", "signal", "layer", "measure", "frequency_hz", "value"]
    return pd.DataFrame(rows, columns=columns)
