"""Rendering the templates with Jinja, everything inlined."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import jinja2
from markupsafe import Markup

from upsampling_artifacts.report.numbers import counted, duration, listed, number

TEMPLATES = Path(__file__).parent
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def data_uri(path: str | Path) -> str:
    """Encode an image file as a data URI.

    Args:
        path: ``.svg`` or ``.png``.
    """
    path = Path(path)
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{MEDIA_TYPES[path.suffix]};base64,{content}"


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
        "data_uri": data_uri,
        "duration": duration,
        "link": link,
        "listed": listed,
        "number": number,
    }
    environment.globals["css"] = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment
