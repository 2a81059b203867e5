"""Rendering the templates with Jinja, everything inlined."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from upsampling_artifacts.report import libraries
from upsampling_artifacts.report.numbers import counted, duration, listed, number
from upsampling_artifacts.report.pictures import read_picture

TEMPLATES = Path(__file__).parent
FIRST_SCRIPTS = tuple(  # the others use them
    f"scripts/{name}.js" for name in ("page_data", "systems", "sound", "plots")
)


def make_environment(page_folder: Path) -> jinja2.Environment:
    """The Jinja environment of the page's templates.

    Args:
        page_folder: Folder of the page; links to files are relative to it.
    """

    def link(path: str) -> Markup:
        relative = Path(os.path.relpath(path, page_folder)).as_posix()
        if "*" in relative:  # a pattern matches many files: there is no single link target
            return Markup("<code>{0}</code>").format(relative)
        return Markup('<a class="file" href="{}">{}</a>').format(quote(relative), relative)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "read_picture": read_picture,
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
