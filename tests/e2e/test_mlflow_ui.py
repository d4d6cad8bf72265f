"""A sweep as MLflow's own UI shows it, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from support.commands import Done, start
from support.ports import free_port

from orchestrator.commands.ui import answers

pytestmark = pytest.mark.e2e

PATIENCE = 60_000
"""Milliseconds that the UI may take to show something, on a busy machine."""


@pytest.fixture(scope="module")
def address(undisturbed: tuple[Path, Done]) -> Iterator[str]:
    """`orchestrate ui` on the smoke sweep; the address of its experiment, from the link that the command prints."""
    home, _ = undisturbed
    port = free_port()
    server = start("ui", "--port", str(port), home=home)
    try:
        assert server.stdout
        link = next(line for line in server.stdout if line.startswith("smoke "))
        assert answers(f"http://127.0.0.1:{port}")  # it is up when the command says so
        experiment = json.loads((home / "sweeps/smoke/mirror.json").read_text())["experiment"]
        address = f"http://127.0.0.1:{port}/#/experiments/{experiment}"
        assert link.split() == ["smoke", f"{address}/runs?workflowType=machine_learning"]
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1500, "height": 1200})
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


def test_a_page_of_another_site_cannot_ask_it(address: str) -> None:
    """DNS rebinding: a browser sends the name that the page was loaded from, which MLflow does not know."""
    server = urlsplit(address)
    for host, expected in ((server.netloc, 200), (f"rebound.example:{server.port}", 403)):
        connection = HTTPConnection("127.0.0.1", server.port or 0, timeout=60)
        connection.request(
            "GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=smoke", headers={"Host": host}
        )
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == expected, body
        assert ("experiment_id" in body) == (expected == 200)
        connection.close()


def test_the_children_stand_under_the_parent_in_the_table(address: str, page: Page) -> None:
    page.goto(f"{address}/runs?workflowType=machine_learning")
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
