"""A sweep as MLflow's own UI shows it, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, HttpCredentials, Page, expect
from support.commands import Done
from support.ui_server import UiServer, mlflow_ui

pytestmark = pytest.mark.e2e

PATIENCE = 60_000
"""Milliseconds that the UI may take to show something, on a busy machine."""


@pytest.fixture(scope="module")
def server(undisturbed: tuple[Path, Done]) -> Iterator[UiServer]:
    """`orchestrate ui` on the smoke sweep."""
    home, _ = undisturbed
    with mlflow_ui(home) as ui:
        yield ui


@pytest.fixture(scope="module")
def address(undisturbed: tuple[Path, Done], server: UiServer) -> str:
    """The address of the sweep's experiment."""
    home, _ = undisturbed
    address = f"{server.address}/#/experiments/{mirror(home)['experiment']}"
    assert server.first_page.split() == ["smoke", f"{address}/runs?workflowType=machine_learning"]
    return address


@pytest.fixture(scope="module")
def page(chromium: Browser, server: UiServer) -> Iterator[Page]:
    login = HttpCredentials(username=server.user, password=server.password)
    page = chromium.new_page(viewport={"width": 1500, "height": 1200}, http_credentials=login)
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    page.close()


def mirror(home: Path) -> dict[str, str]:
    return json.loads((home / "sweeps/smoke/mirror.json").read_text())  # type: ignore[no-any-return]


def run_called(home: Path, name: str) -> str:
    trials = json.loads((home / "sweeps/smoke/sweep.json").read_text())["trials"]
    key = next(trial["key"] for trial in trials if trial["name"] == name)
    return mirror(home)["runs"][key]  # type: ignore[index]


def test_the_parent_tells_the_question_the_answer_and_its_children(
    undisturbed: tuple[Path, Done], address: str, page: Page
) -> None:
    home, _ = undisturbed
    page.goto(f"{address}/runs/{mirror(home)['parent']}")
    expect(page.get_by_text("Does the whole road work, from this file to the report?")).to_be_visible()
    expect(page.get_by_text("runs are unfinished")).to_be_visible()
    for name in ("dcgan smoothing=0 seed=0", "dcgan smoothing=0.1 seed=0", "acgan seed=0", "wgan-gp seed=0"):
        expect(page.get_by_role("link", name=name)).to_be_visible()


def test_the_children_stand_under_the_parent_in_the_table(address: str, page: Page) -> None:
    page.goto(f"{address}/runs")
    expect(page.get_by_text("5 matching runs")).to_be_visible()
    expect(page.get_by_role("link", name="wgan-gp seed=0")).to_have_count(0)
    page.locator(".ag-row").get_by_role("button").first.click()
    expect(page.get_by_role("link", name="wgan-gp seed=0")).to_be_visible()


def test_a_child_shows_curves_by_prefix_and_images_that_scrub_over_the_steps(
    undisturbed: tuple[Path, Done], address: str, page: Page
) -> None:
    home, _ = undisturbed
    page.goto(f"{address}/runs/{run_called(home, 'acgan seed=0')}/model-metrics")
    expect(page.get_by_text("accuracy").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.mouse.move(800, 800)
    slider = page.get_by_role("slider")
    for _ in range(100):  # what is further down is drawn when it comes into view
        if slider.count():
            break
        page.mouse.wheel(0, 1000)
        page.wait_for_timeout(200)
    images = page.locator("img[src*=samples]")
    expect(images).to_have_attribute("src", step_of(0))
    for step in (10, 20):
        slider.press("ArrowRight")
        expect(images).to_have_attribute("src", step_of(step))
    page.wait_for_function("[...document.images].some(i => i.src.includes('samples') && i.complete && i.naturalWidth)")


def step_of(step: int) -> re.Pattern[str]:
    return re.compile(rf"samples%2Bstep%2B{step}%2B")


def test_a_child_names_its_data(undisturbed: tuple[Path, Done], address: str, page: Page) -> None:
    home, _ = undisturbed
    page.goto(f"{address}/runs/{run_called(home, 'acgan seed=0')}")
    page.get_by_text("digits (").first.click()
    expect(page.get_by_text("num rows: 1541")).to_be_visible()


def test_the_report_opens_in_the_parents_artifacts(undisturbed: tuple[Path, Done], address: str, page: Page) -> None:
    home, _ = undisturbed
    page.goto(f"{address}/runs/{mirror(home)['parent']}/artifacts")
    page.get_by_text("report.html").first.click()
    heading = page.frame_locator("iframe").locator("h1")
    expect(heading).to_have_text("Does the whole road work, from this file to the report?")
