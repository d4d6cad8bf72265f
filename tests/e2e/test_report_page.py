"""The report in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import Done
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.e2e

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1280, "dark")])
def test_the_page_opens_offline_without_errors_and_draws_every_chart(
    undisturbed: tuple[Path, Done], width: int, scheme: str
) -> None:
    home, _ = undisturbed
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else troubles.append(f"request: {request.url}")
            ),
        )
        page.goto((home / "sweeps/smoke/report.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.chart svg.main-svg').length >= 15 * 2")
        assert page.locator("h1").inner_text() == "Does the whole road work, from this file to the report?"
        assert page.locator("figure img").count() == 6
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("[...document.images].every(image => image.alt)")
        browser.close()
    assert troubles == []
