"""Readers tell the demonstration's systems apart, also without red or green receptors."""

import numpy as np
import pytest
from upsampling_artifacts.figures.style import SYMBOLS
from upsampling_artifacts.pipeline.configuration import resolve
from upsampling_artifacts.pipeline.looks import MARKERS, PALETTE

from ..configs import SCHEMA, read_config

CONFIG = resolve(read_config(), SCHEMA)
ROWS = [CONFIG["systems"][name] for name in CONFIG["variants"]]
MIN_DIFFERENCE = 14.0  # CIEDE2000; 2.3 is just noticeable side by side
MIN_CONTRAST = 2.0  # against white; every line also has markers with a legend

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation
# of color vision deficiency", IEEE TVCG 15(6), 2009: severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear_rgb(color: str) -> np.ndarray:
    """``(3,)``, of "#rrggbb" (IEC 61966-2-1)."""
    values = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB ``(3,)`` of linear RGB."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """Color difference of two CIELAB colors (Sharma, Wu and Dalal, 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    middle, c, h = (l1 + l2) / 2, (c1 + c2) / 2, (h1 + turn / 2) % 360
    t = sum(
        weight * np.cos(np.radians(times * h + offset))
        for weight, times, offset in (
            (-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63)
        )
    )  # fmt: skip
    lightness = (l2 - l1) / (1 + 0.015 * (middle - 50) ** 2 / np.sqrt(20 + (middle - 50) ** 2))
    chroma = (c2 - c1) / (1 + 0.045 * c)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * c * (1 + t))
    rotation = -2 * np.sqrt(c**7 / (c**7 + 25**7))
    rotation *= np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    return float(np.sqrt(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue))


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [  # of the test data of Sharma, Wu and Dalal
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_color_differences_are_those_of_the_standard(first, second, difference: float) -> None:
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colors", [[row["color"] for row in ROWS], PALETTE], ids=["demo", "all"])
def test_any_two_of_twelve_colors_differ(colors: list[str], vision: str) -> None:
    seen = [lab(VISION[vision] @ linear_rgb(color)) for color in colors]
    assert len(seen) == 12
    differences = {
        (colors[i], colors[j]): ciede2000(seen[i], seen[j]) for j in range(12) for i in range(j)
    }
    closest = min(differences, key=differences.__getitem__)
    assert differences[closest] >= MIN_DIFFERENCE, closest


@pytest.mark.parametrize("color", PALETTE)
def test_every_color_stands_out_of_a_white_page(color: str) -> None:
    assert 1.05 / ((TO_XYZ @ linear_rgb(color))[1] + 0.05) >= MIN_CONTRAST


def test_every_system_of_the_demonstration_has_a_marker_of_its_own() -> None:
    assert len({row["marker"] for row in ROWS}) == len(ROWS) == 12
    assert set(MARKERS) == set(SYMBOLS) == {*SCHEMA["properties"]["systems"][
        "additionalProperties"]["properties"]["marker"]["enum"]} - {None}  # fmt: skip
