"""The pages of tables in Snakemake's own report."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

from upsampling_artifacts.report.table_pages import write_table_page

TABLE = """\
system,statement,sdr_db,note
transposed,"a tone at rate / 4, which is prominent by ECMA-418-1",3.3000,
<b>mine</b>,"a \"\"reading\"\"",-0.07,"one, two"
"""


class Cells(HTMLParser):
    """The texts of a table's cells, and their classes."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("th", "td"):
            self.classes.append(str(dict(attrs)["class"]))
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data.strip()


def test_a_page_shows_the_cells_as_they_stand_in_the_file(tmp_path: Path) -> None:
    table, page = tmp_path / "t.csv", tmp_path / "pages" / "t.html"
    table.write_text(TABLE, encoding="utf-8")
    write_table_page(table, page)
    text = page.read_text(encoding="utf-8")
    cells = Cells()
    cells.feed(text)
    assert cells.texts == [
        *("system", "statement", "sdr_db", "note"),
        *("transposed", "a tone at rate / 4, which is prominent by ECMA-418-1", "3.3000", ""),
        *("<b>mine</b>", 'a "reading"', "-0.07", "one, two"),
    ]
    assert cells.classes == ["word", "text", "number", "word"] * 3
    assert "2 rows" in text
    download = re.search(r'href="data:text/csv;base64,([^"]+)" download="t.csv"', text)
    assert download and base64.b64decode(download[1]) == table.read_bytes()
