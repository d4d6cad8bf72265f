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
LIMIT_MS = 30_000
"""A page that lays itself out without end never answers; a busy machine is slow to."""
FRAME = "() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))"


@pytest.mark.parametrize("sweep", ["stability", "long_names"])
def test_the_page_answers_at_every_width_of_the_window(sweep: str, open_page: OpenPage, tmp_path: Path) -> None:
    """Charts that lay themselves out in a loop (margins that depend on labels, and labels on margins) freeze it."""
    page_of(SWEEPS[sweep](), tmp_path)
    page = open_page(tmp_path / "report.html", WIDTHS[0])
    page.set_default_timeout(LIMIT_MS)
    chart = "#heat" if page.locator("#heat").count() else "#survival ~ .charts .chart"
    page.locator(chart).first.scroll_into_view_if_needed()
    page.wait_for_function("chart => document.querySelector(`${chart} .main-svg`)", arg=chart)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 400})
        page.wait_for_function(FRAME)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("sweep", SWEEPS)
def test_no_chart_measures_its_own_margins(sweep: str, open_page: OpenPage, tmp_path: Path) -> None:
    """Margins that depend on labels, and labels on margins, are a loop: Plotly redrew such a chart without end."""
    page_of(SWEEPS[sweep](), tmp_path)
    page = open_page(tmp_path / "report.html")
    charts = page.locator(".chart")
    for selector in {"#effects", "#factors", "#survival", "#curves-title"}:
        if page.locator(selector).count():
            page.locator(selector).evaluate("heading => heading.scrollIntoView()")
            page.wait_for_function(FRAME)
    drawn = page.evaluate(
        """[...document.querySelectorAll('.js-plotly-plot')].map(plot => plot._fullLayout).map(layout => [
            layout.margin.autoexpand, Boolean(layout.xaxis?.automargin), Boolean(layout.yaxis?.automargin)])"""
    )
    assert 0 < len(drawn) <= charts.count()
    assert all(measured == [False, False, False] for measured in drawn)
    assert page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].every(plot => !plot._context.responsive)")
