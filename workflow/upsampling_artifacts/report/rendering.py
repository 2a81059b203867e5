"""Rendering the templates with Jinja, everything inlined."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable
from pathlib import Path

import jinja2
from markupsafe import Markup
from PIL import Image

from upsampling_artifacts.report import libraries
from upsampling_artifacts.report.numbers import counted, duration, listed, number

TEMPLATES = Path(__file__).parent
FIRST_SCRIPTS = (  # the others use them
    "scripts/page_data.js",
    "scripts/systems.js",
    "scripts/plots.js",
)
WEBP_QUALITY = 85  # no visible difference from the PNG, in text and lines either


def picture_uri(path: str | Path) -> str:
    """Encode a picture as a WebP data URI, a quarter of the size of a PNG.

    The page holds no vector graphics: those of spectrograms consist of pixels, too, and the others
    are beside the PNG, in the experiment's ``figures`` folder.

    Args:
        path: ``.png``.
    """
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(content, "WEBP", quality=WEBP_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def make_environment(page_folder: Path) -> jinja2.Environment:
    """The Jinja environment of the page's templates.

    Args:
        page_folder: Folder of the page; links to files are relative to it.
    """

    def link(path: str) -> Markup:
        relative = Path(os.path.relpath(path, page_folder)).as_posix()
        if "*" in relative:  # a pattern matches many files: there is no single link target
            return Markup("<code>{0}</code>").format(relative)
        return Markup('<a class="file" href="{0}">{0}</a>').format(relative)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "picture_uri": picture_uri,
        "duration": duration,
        "link": link,
        "listed": listed,
        "number": number,
    }
    environment.globals |= {
        "styles": _inlined([*map(libraries.installed, libraries.STYLES), *_own("styles/*.css")]),
        "library_scripts": _inlined(map(libraries.installed, libraries.SCRIPTS)),
        "scripts": _inlined(_own(*FIRST_SCRIPTS, "scripts/*.js")),
        "libraries": libraries.libraries(),
    }
    return environment


def _own(*patterns: str) -> list[str]:
    """The texts of the templates' files that match the patterns; each file once."""
    files = (path for pattern in patterns for path in sorted(TEMPLATES.glob(pattern)))
    return [path.read_text(encoding="utf-8") for path in dict.fromkeys(files)]


def _inlined(texts: Iterable[str]) -> Markup:
    return Markup("\n".join(texts))
