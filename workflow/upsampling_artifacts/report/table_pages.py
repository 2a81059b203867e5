"""A table as a page, which Snakemake's own report shows in place."""

from __future__ import annotations

import base64
from pathlib import Path

import jinja2
import pandas as pd

from upsampling_artifacts.files import atomic_write

TEMPLATES = Path(__file__).parent
LONG_CHARACTERS = 40
"""A cell with more is text that may wrap."""


def write_table_page(table: str | Path, page: str | Path) -> None:
    """Write a page with the cells of a csv file as they stand in it, and the file to download.

    Args:
        table: A csv file with a header.
        page: The html file to write.
    """
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    text = environment.get_template("table_page.html").render(
        name=Path(table).name,
        data=f"data:text/csv;base64,{base64.b64encode(Path(table).read_bytes()).decode()}",
        columns=[{"name": name, "kind": _kind(cells[name])} for name in cells],
        rows=cells.to_numpy().tolist(),
    )
    with atomic_write(page) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _kind(column: pd.Series[str]) -> str:
    """How a column is set: as numbers, as text that may wrap, or as words."""
    filled = column[column != ""]
    if len(filled) and pd.to_numeric(filled, errors="coerce").notna().all():
        return "number"
    return "text" if (column.str.len() > LONG_CHARACTERS).any() else "word"
