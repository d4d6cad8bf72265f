"""How the page's charts lie, in a real browser, at every width that a window has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from support.made_runs import page_of
from support.made_sweeps import SWEEPS

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
WIDTHS = range(320, 2001, 7)
LIMIT_MS = 20_000
"""A page that lays itself out without end never answers; a busy machine is slow to."""
FRAME = "() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))"


def see_every_chart(page: Page) -> None:
    """Scroll to each chart, so that it is drawn."""
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        page.wait_for_function("chart => chart.querySelector('.main-svg')", arg=chart.element_handle())


@pytest.mark.parametrize("sweep", SWEEPS)
def test_the_page_answers_at_every_width_of_the_window(sweep: str, open_page: OpenPage, tmp_path: Path) -> None:
    """Charts that lay themselves out in a loop (margins that depend on labels, and labels on margins) freeze it."""
    page_of(SWEEPS[sweep](), tmp_path)
    page = open_page(tmp_path / "report.html", WIDTHS[0])
    page.set_default_timeout(LIMIT_MS)
    see_every_chart(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FRAME)
