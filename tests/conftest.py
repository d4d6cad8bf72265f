"""A real browser, for every test of a page, and real small disks."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from support.s3_server import S3, s3_server, use_keys
from support.small_disks import MakeDisk, small_disks

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER_NOTES = "GPU stall due to ReadPixels"
"""Said by the graphics driver of software rendering, not by the page."""

OpenPage = Callable[..., Page]

MEMORY = Path("/dev/shm")
"""A file system in memory, where a checkpoint or a transaction of SQLite does not wait for a disk."""


def is_usable(folder: Path, room: int = 8 * 1000**3) -> bool:
    """Whether tests can have their files there: it is large, and lets programs run."""
    return folder.is_dir() and shutil.disk_usage(folder).free > room and not os.statvfs(folder).f_flag & os.ST_NOEXEC


if is_usable(MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
for variable in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME", "ORCHESTRATE_NOTIFY"):
    os.environ.pop(variable, None)  # whoever runs the tests may have set them for their own sweeps
os.environ["XDG_CONFIG_HOME"] = "/nonexistent/config"  # nor do their own defaults count
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # commands inherit it, and these tests may run under `nohup`


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens a file. At the end of the test no page may have said anything in the console or asked for anything."""
    troubles: list[str] = []
    contexts = []

    def note_request(url: str) -> None:
        if not url.startswith(("file:", "data:")):
            troubles.append(f"request: {url}")

    def note_message(text: str) -> None:
        if DRIVER_NOTES not in text:
            troubles.append(f"console: {text}")

    def open_file(file: Path, width: int = 1280, scheme: Any = "light") -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # a busy machine is not a failure
        page.on("console", lambda message: note_message(message.text))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("request", lambda request: note_request(request.url))
        page.goto(file.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    """Makes a file system of a size such as "8m" and returns its folder; skips where that is not allowed."""
    with small_disks(tmp_path) as make:
        yield make


@pytest.fixture(scope="session")
def s3_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(s3_of_all: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A real S3 server that refuses nothing, and credentials for it."""
    use_keys(monkeypatch)
    yield s3_of_all
    s3_of_all.allow(float("inf"))
