"""Every relative link in the Markdown pages leads to a file, and to a heading if it names one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .clone import REPOSITORY

PAGES = [
    *REPOSITORY.glob("*.md"),
    *(path for folder in ("config", "docs", "envs", "results/reference")
      for path in (REPOSITORY / folder).rglob("*.md")),
    REPOSITORY / "results/README.md",
]  # fmt: skip


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_links() -> None:
    assert sum(len(list(links(page))) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link
