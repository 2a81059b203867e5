"""JavaScript libraries that the page contains: from npm, pinned in ``package-lock.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from upsampling_artifacts.errors import InputError

FOLDER = Path(__file__).parent
SCRIPTS = (
    "uplot/dist/uPlot.iife.min.js",
    "wavesurfer.js/dist/wavesurfer.min.js",
    "wavesurfer.js/dist/plugins/spectrogram.min.js",
    "sortable-tablesort/dist/sortable.min.js",
    "sortable-tablesort/dist/sortable.a11y.min.js",
)
STYLES = ("uplot/dist/uPlot.min.css",)


@dataclass(frozen=True)
class Library:
    """A library in the page.

    Attributes:
        name: Its name on npm.
        version: The version in the page.
        license: SPDX identifier of its license.
    """

    name: str
    version: str
    license: str


def libraries() -> list[Library]:
    """The libraries that the page contains, for its last section."""
    packages = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return [
        Library(path.removeprefix("node_modules/"), package["version"], package["license"])
        for path, package in packages.items()
        if path and not package.get("dev")
    ]


def installed(path: str) -> str:
    """The text of an installed library's file.

    Args:
        path: Below ``node_modules``.

    Raises:
        InputError: The libraries are not installed.
    """
    file = FOLDER / "node_modules" / path
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"{file}: is missing; run `make install`, or `npm ci` in {FOLDER}"
        ) from None
