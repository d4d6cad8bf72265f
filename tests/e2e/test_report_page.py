"""The report of a real sweep in a real browser: what a reader sees, and everything that they can move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from support.commands import Done

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
DRAWN = "element => element.querySelectorAll('.js-plotly-plot .main-svg').length > 0"
SMOOTHED = "dcgan smoothing=0.1"


@pytest.fixture(scope="module")
def report(undisturbed: tuple[Path, Done]) -> Path:
    home, done = undisturbed
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "sweeps/smoke/report/report.html"


def move(page: Page, slider: str, value: float) -> None:
    """What a reader's hand does to a slider."""
    page.locator(slider).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


def scroll_to(page: Page, chart: str) -> None:
    page.locator(chart).first.scroll_into_view_if_needed()
    page.wait_for_function(f"selector => ({DRAWN})(document.querySelector(selector))", arg=chart)


def first_curve(page: Page) -> Any:
    """The values of the first curve that is drawn."""
    return page.evaluate("document.querySelector('#curves .js-plotly-plot').data[0].y")


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1280, "dark"), (1920, "light")])
def test_the_page_opens_offline_fits_and_draws_every_chart_once_it_is_near(
    report: Path, open_page: OpenPage, width: int, scheme: str
) -> None:
    page = open_page(report, width, scheme)
    assert page.locator("h1").inner_text() == "Does the whole road work, from this file to the report?"
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    charts = page.locator(".chart").all()
    assert len(charts) >= 2 + 2 + 3 * 5  # effects, settings together, curves of three groups
    assert not charts[-1].evaluate(DRAWN)  # nobody has come near it
    for chart in charts:
        chart.scroll_into_view_if_needed()
        page.wait_for_function(DRAWN, arg=chart.element_handle())
        assert chart.get_attribute("aria-label")
        inside = "e => e.querySelector('.scroll').getBoundingClientRect().width <= e.clientWidth + 1"
        assert chart.evaluate(inside)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("main figure img").count() == 6  # four trials, the real images, and those by class
    assert page.evaluate(
        "[...document.querySelectorAll('main img')].every(image => image.alt && image.naturalWidth > 0)"
    )


def column(page: Page, title: str) -> tuple[Any, Callable[[], list[str]]]:
    """The header of a column of the leaderboard, and what gives its cells' values in order."""
    titles = [text.strip() for text in page.locator("table.sortable thead th").all_inner_texts()]
    index = titles.index(title)
    cells = f"""[...document.querySelectorAll('table.sortable tbody tr')]
        .map(row => row.cells[{index}].dataset.value ?? row.cells[{index}].textContent)"""
    return page.locator("table.sortable thead th").nth(index), lambda: page.evaluate(cells)


def test_a_click_on_a_column_sorts_by_it_alone_and_another_turns_it_round(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    for title in ("Frechet at the end", "diversity", "G loss"):
        header, values = column(page, title)
        before = values()
        assert len(set(before)) > 2
        assert header.get_attribute("aria-sort") is None
        header.get_by_role("button").click()
        assert values() == sorted(before, key=float)
        assert header.get_attribute("aria-sort") == "ascending"
        header.get_by_role("button").click()
        assert values() == sorted(before, key=float, reverse=True)
        assert header.get_attribute("aria-sort") == "descending"

    header, values = column(page, "asked class drawn")
    for _ in range(2):  # only an ACGAN is asked for a class: what is not known stays last either way
        header.get_by_role("button").click()
        assert values()[0] != ""
        assert values()[1:] == ["", "", ""]

    names, values = column(page, "configuration")
    names.get_by_role("button").focus()
    page.keyboard.press("Enter")  # with the keyboard alone
    assert values() == ["acgan", "dcgan smoothing=0", SMOOTHED, "wgan-gp"]  # as text
    assert page.locator("th[aria-sort]").count() == 1
    assert names.get_attribute("aria-sort") == "ascending"


def test_the_filter_shows_the_rows_that_hold_every_word(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    rows, filter_status = page.locator("table.sortable tbody tr:visible"), page.locator("#filter-shown")
    for typed, row_count in (("DCGAN", 2), ("smoothing=0.1 dcgan", 1), ("dcgan acgan", 0), ("nothing like it", 0)):
        page.locator("#filter").fill(typed)
        assert rows.count() == row_count
        assert filter_status.inner_text() == f"{row_count} shown"
    page.locator("#filter").fill("")
    assert rows.count() == 4
    assert filter_status.inner_text() == ""


def test_the_slider_moves_every_trials_samples_through_training(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    images = page.locator("img[data-trial]")
    steps = page.locator("figcaption .step")
    sources = "[...document.querySelectorAll('img[data-trial]')].map(image => image.src)"
    last = page.evaluate(sources)
    assert steps.all_inner_texts() == ["step 20"] * 4
    assert page.locator("#moment-step").inner_text() == "step 20"
    page.locator("#moment").focus()
    page.keyboard.press("Home")
    first = page.evaluate(sources)
    assert steps.all_inner_texts() == ["step 0"] * 4
    assert all("at step 0" in (image.get_attribute("alt") or "") for image in images.all())
    assert all(a != b for a, b in zip(first, last, strict=True))
    page.keyboard.press("ArrowRight")  # by one grid
    assert page.locator("#moment-step").inner_text() == "step 10"
    assert page.locator("#moment").get_attribute("aria-valuetext") == "step 10"
    assert steps.all_inner_texts() == ["step 10"] * 4
    assert page.evaluate(sources) not in (first, last)
    page.keyboard.press("End")
    assert page.evaluate(sources) == last


def test_the_theme_button_changes_the_page_and_its_charts(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll_to(page, "#heat")
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('#heat .js-plotly-plot').layout.font.color.trim()"
    light = (page.evaluate(paper), page.evaluate(ink))
    button = page.locator("button.theme")
    assert button.get_attribute("aria-label") == "Change to dark colours"
    button.click()
    scroll_to(page, "#heat")  # a chart that nobody is near is drawn when somebody comes
    page.wait_for_function(f"ink => {ink} !== ink", arg=light[1])
    assert page.evaluate(paper) != light[0]
    assert button.get_attribute("aria-label") == "Change to light colours"
    button.click()
    scroll_to(page, "#heat")
    page.wait_for_function(f"ink => {ink} === ink", arg=light[1])
    assert page.evaluate(paper) == light[0]


def test_smoothing_and_the_logarithmic_axis_change_the_curves_that_are_drawn(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    scroll_to(page, "#curves .chart")
    raw = [value for value in first_curve(page) if value is not None]
    move(page, "#curves-smoothing", 0.9)
    page.wait_for_function("y => document.querySelector('#curves .js-plotly-plot').data[0].y[1] !== y", arg=raw[1])
    mean = weight = 0.0
    expected = []
    for value in raw:  # a moving average without the bias of its start
        mean, weight = 0.9 * mean + 0.1 * value, 0.9 * weight + 0.1
        expected.append(mean / weight)
    assert [value for value in first_curve(page) if value is not None] == pytest.approx(expected)
    move(page, "#curves-smoothing", 0)
    page.wait_for_function("y => document.querySelector('#curves .js-plotly-plot').data[0].y[1] === y", arg=raw[1])
    is_logarithmic = """document.querySelector('#curves .js-plotly-plot').layout.yaxis.type === 'log' ||
        document.querySelector('#curves .title').textContent.includes('symmetric logarithm')"""
    page.locator("#curves-log").check()
    page.wait_for_function(is_logarithmic)
    page.locator("#curves-log").uncheck()
    page.wait_for_function(f"!({is_logarithmic})")


def test_panels_and_colours_are_those_that_the_reader_chooses(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    charts, headings = page.locator("#curves .chart"), page.locator("#curves h3")
    assert headings.all_inner_texts() == ["dcgan", "acgan", "wgan-gp"]
    in_groups = charts.count()
    page.locator("#curves-panels").select_option("")
    assert headings.count() == 0
    assert charts.count() == in_groups // 3  # all trials in each
    scroll_to(page, "#curves .chart")
    names = "document.querySelector('#curves .js-plotly-plot').data.map(trace => trace.name)"
    legend = page.locator("#curves .legend li")
    assert page.evaluate(names) == legend.all_inner_texts()
    assert sorted(page.evaluate(names)) == ["acgan", "dcgan smoothing=0", SMOOTHED, "wgan-gp"]
    page.locator("#curves-colour").select_option("group")
    scroll_to(page, "#curves .chart")
    assert page.evaluate(names) == legend.all_inner_texts() == ["dcgan", "acgan", "wgan-gp"]
    page.locator("#curves-panels").select_option("smoothing")
    assert headings.all_inner_texts() == ["smoothing: 0", "smoothing: 0.1", "smoothing: (not in its group)"]


def test_the_heat_map_is_over_the_two_settings_that_the_reader_chooses(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    axes = """(({xaxis, yaxis}) => [xaxis.title.text, yaxis.title.text])(
        document.querySelector('#heat .js-plotly-plot').layout)"""
    cells = "document.querySelector('#heat .js-plotly-plot').data[0].text"
    scroll_to(page, "#heat")
    assert sorted(page.evaluate(axes)) == ["seed", "smoothing"]
    page.locator("#factors-x").select_option("smoothing")
    page.locator("#factors-y").select_option("seed")
    page.wait_for_function(f"{axes}.join() === 'smoothing,seed'")
    across = page.evaluate(cells)
    assert [len(row) for row in across] == [2]
    assert all(cell.endswith("(1 of 1)") for row in across for cell in row)  # distances: no run is stable or is not
    page.locator("#factors-x").select_option("seed")
    page.locator("#factors-y").select_option("smoothing")
    page.wait_for_function(f"{axes}.join() === 'seed,smoothing'")
    assert page.evaluate(cells) == [[cell] for cell in across[0]]


def test_printing_draws_every_chart_and_leaves_out_what_cannot_be_moved_on_paper(
    report: Path, open_page: OpenPage
) -> None:
    page = open_page(report)
    assert len(page.pdf()) > 10_000
    assert page.evaluate(f"[...document.querySelectorAll('.chart')].every({DRAWN})")
    page.emulate_media(media="print")
    for hidden in ("nav", ".controls", "button.theme"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("table.sortable").is_visible()
