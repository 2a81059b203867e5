"""Values that someone could put into a config file, most of them wrong."""

from __future__ import annotations

import datetime
import math

from hypothesis import strategies as st

TEXTS = [
    "", " ", "five", "true", "null", "0", "-1", "1e-4", "1e999", "nan", "2020-99-99", "[1", "{a: b",
    "a\nb", "a\u2028b", "a\0b", "\ud800", "é" * 300, "x" * 20_000, "../../etc", "/", "{song}",
    "a:b", ":x", "..a:b", "torch:nn", "json:dumps", "json:no_such", "demucs", "nearest", "l1",
    "constant", "fixed", "fused", "haar", "cuda", "16-mixed", "first_encoder", "!!python/object:x",
]  # fmt: skip

NUMBERS = [
    0, 1, -1, 2, 3, 4, 5, 7, 8, 9, 16, 64, 1000, 4097, 44_101, 999_999, 3_000_000, 2**31, 2**63,
    2**64, 10**30, -(10**30), 10**400, 0.0, -0.0, 0.5, 4.5, 5.0, 100.0, -2.5, 1e-300, 1e300,
    math.nan, math.inf, -math.inf,
]  # fmt: skip

OTHERS = [None, True, False, datetime.date(2020, 1, 1), b"bytes", [], {}, [[]], {"a": {}}, [None]]

scalars = st.sampled_from([*TEXTS, *NUMBERS, *OTHERS])
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
keys = st.sampled_from(["name", "length", "a", "", 5, None, True, "a\nb"])
values = st.one_of(
    scalars,
    numbers,
    st.text(max_size=20),
    st.lists(scalars, max_size=4),
    st.dictionaries(keys, scalars, max_size=3),
)

plausible = st.one_of(
    st.sampled_from([value for value in NUMBERS if isinstance(value, int) and 0 < value < 100]),
    st.integers(-2, 40),
    st.booleans(),
    st.sampled_from(["constant", "icnr", "fixed", "learnable", "fused", "auto", "lazy", "none"]),
    st.none(),
    st.lists(st.integers(1, 16), max_size=4),
    st.floats(0, 10),
)
"""Values that often are of the right type."""
