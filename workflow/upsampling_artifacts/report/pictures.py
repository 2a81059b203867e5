"""Figures as vector graphics inside the page, so that the page can hide and highlight systems."""

from __future__ import annotations

import base64
import gzip
import io
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup
from PIL import Image

from upsampling_artifacts.figures.systems import PREFIX as SYSTEM_PREFIX

WEBP_QUALITY = 85  # no visible difference from the PNG, a quarter of its size
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # Verdana: as wide as the font that was measured

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
REFERENCE = re.compile(r"url\(#([^)]+)\)")
NUMBER = re.compile(r"-?\d+\.\d{3,}")  # a hundredth of a point is invisible
FONT_FAMILY = re.compile(r"font-family: [^;]*(; )?")


@dataclass(frozen=True)
class Picture:
    """A figure as the page contains it.

    Attributes:
        svg: The ``<svg>`` element.
        numbers: The numbers that it shows: csv, compressed by gzip, in base64; empty if there are
            none.
        aspect_ratio: Its width over its height.
    """

    svg: Markup
    numbers: str
    aspect_ratio: float


def read_picture(path: str | Path, name: str, description: str) -> Picture:
    """Read a figure that matplotlib saved, and make it fit to stand in a page among others.

    Nothing in it may apply outside of it: its style rule becomes attributes of the root, and its
    identifiers get its name as a prefix. Groups of a system get the attribute ``data-system``.

    Args:
        path: ``.svg``.
        name: A name that no other figure of the page has.
        description: What a screen reader says of it.
    """
    root = ElementTree.parse(path).getroot()
    numbers = _packed(root.findtext(f".//{DESCRIPTION}", ""))
    _remove(root, f"{SVG}metadata")
    _remove(root, f"{SVG}style")
    used = _used_identifiers(root)
    for element in root.iter():
        element.attrib.update(_attributes(element, name, used))
    for unit in ("width", "height"):
        del root.attrib[unit]
    root.attrib |= {
        "class": "picture",
        "role": "img",
        "aria-label": description,
        "font-family": FONTS,
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    return Picture(Markup(_serialized(root)), numbers, width / height)


def _packed(table: str) -> str:
    """A table of text in a fifth of its size; empty if it has no rows."""
    if table.count("\n") <= 1:
        return ""
    return base64.b64encode(gzip.compress(table.encode(), mtime=0)).decode("ascii")


def _remove(root: ElementTree.Element, tag: str) -> None:
    for parent in list(root.iter()):
        for child in parent.findall(tag):
            parent.remove(child)


def _used_identifiers(root: ElementTree.Element) -> set[str]:
    """The identifiers that clip paths, markers and repeated shapes are referred to by."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    links = {value[1:] for value in values if value.startswith("#")}
    return links | {match for value in values for match in REFERENCE.findall(value)}


def _attributes(element: ElementTree.Element, name: str, used: set[str]) -> dict[str, str]:
    """Take an element's attributes away, and return those that it has in the page."""
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "id":
            if value.startswith(SYSTEM_PREFIX):
                attributes["data-system"] = value.removeprefix(SYSTEM_PREFIX)
            elif value in used:
                attributes["id"] = f"{name}-{value}"
        elif key == f"{XLINK}href":
            attributes["href"] = f"#{name}-{value[1:]}" if value[0] == "#" else _as_webp(value)
        elif key in ("d", "x", "y"):
            attributes[key] = NUMBER.sub(lambda match: f"{float(match[0]):.2f}", value)
        else:
            value = REFERENCE.sub(rf"url(#{name}-\1)", value)
            attributes[key] = FONT_FAMILY.sub("", value) if key == "style" else value
    element.attrib.clear()
    return attributes


def _as_webp(uri: str) -> str:
    """Encode a PNG data URI as WebP."""
    content = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        picture.save(content, "WEBP", quality=WEBP_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def _serialized(root: ElementTree.Element) -> str:
    """HTML needs no namespaces; between elements, matplotlib's white space means nothing."""
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.tail = None
        if not (element.text or "").strip():
            element.text = None
    return ElementTree.tostring(root, encoding="unicode")
