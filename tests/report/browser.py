"""The page in a real browser, offline."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from upsampling_artifacts.report.libraries import installed

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def open_page(browser: Any, html_path: Path, width_pixels: int = 1280, theme: str = "light") -> Any:
    """A page that collects what it logs in `problems` and what it requests in `requests`."""
    page = browser.new_page(viewport={"width": width_pixels, "height": 900}, color_scheme=theme)
    page.set_default_timeout(120_000)  # a busy machine can hold Chromium up for half a minute
    page.problems, page.requests = [], []
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(html_path.as_uri())
    page.wait_for_load_state("load")
    return page


def accessibility_problems(page: Any, selector: str = "html") -> list[str]:
    """What axe-core finds serious or critical in a part of a page."""
    page.add_script_tag(content=installed("axe-core/axe.min.js"))
    found = page.evaluate("selector => axe.run(selector)", selector)
    return [
        f"{problem['id']}: {node['html'][:200]}"
        for problem in found["violations"]
        if problem["impact"] in ("serious", "critical")
        for node in problem["nodes"]
    ]
