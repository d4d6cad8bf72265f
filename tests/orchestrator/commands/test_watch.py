"""The live page: it shows a running sweep and follows it, to those alone who know its address."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from playwright.sync_api import Browser
from rich.console import Console
from support.mirrors import mirror_of
from support.ports import free_port
from support.tiny import finished_trial

from orchestrator.commands import watch
from orchestrator.commands.watch import LivePage
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan

MakePlan = Callable[[], Plan]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[LivePage]:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "report.html").write_text("<p>the report</p>")
    (tmp_path / "secret.txt").write_text("not for the page")
    with LivePage(folder, free_port()) as live:
        yield live


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_who_knows_the_address_gets_the_page_and_nothing_else(page: LivePage) -> None:
    with urllib.request.urlopen(page.address, timeout=20) as answer:
        assert answer.read() == b"<p>the report</p>"
        assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    root, token, _ = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/([^/]{20,})/(report\.html)", page.address).groups()  # type: ignore[union-attr]
    for path in (
        "",
        "report.html",
        "x/report.html",
        f"{token}",
        f"{token}/",
        f"{token}/../secret.txt",
        "%00/report.html",
    ):
        assert status(f"{root}/{path}") == 404, path
    assert status(f"{root}/{token}/%2e%2e/secret.txt") == 404
    port = int(root.rpartition(":")[2])
    listening = [each.laddr.ip for each in psutil.Process().net_connections() if each.laddr.port == port]
    assert set(listening) == {"127.0.0.1"}


def test_it_follows_a_sweep_to_its_end_and_leaves_at_ctrl_c(
    tiny_plan: MakePlan, tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials end while a browser has the page open; nobody loads it by hand."""
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.sync()
    monkeypatch.setattr(watch, "REFRESH_SECONDS", 1)
    lines: list[str] = []
    ended = threading.Event()

    def note(_: object, text: str) -> None:
        lines.append(text)
        if "has ended" in text:
            ended.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(watch, "say", note)
    lock = FileLock(plan.folder.lock_file, thread_local=False)
    lock.acquire()

    def serve() -> None:
        with pytest.raises(KeyboardInterrupt):
            watch.watch(mirror.uri, "tiny", tmp_path / "home", free_port(), Console())

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        while not any(line.startswith("live report") for line in lines):
            assert serving.is_alive()
            serving.join(0.1)
        address = lines[-1].split()[2]
        tab = chromium.new_page()
        tab.set_default_timeout(60_000)
        tab.goto(address)
        tab.get_by_text("No run has ended yet.").first.wait_for()
        for planned in plan.trials:
            finished_trial(plan, planned)
        mirror.sync()
        tab.wait_for_function("!document.body.innerText.includes('No run has ended yet.')")
        tab.close()
    finally:
        lock.release()
        serving.join(60)
    assert ended.is_set() and lines[-1] == "the sweep has ended; this page has its report"


def test_a_taken_port_and_an_unknown_sweep_are_one_clear_line(page: LivePage, tmp_path: Path) -> None:
    port = int(page.address.split(":")[2].split("/")[0])
    with pytest.raises(UserError, match=f"port {port} on"):
        watch.watch(f"sqlite:///{tmp_path / 'mlflow.db'}", "tiny", tmp_path, port, Console())
    with pytest.raises(UserError, match="nobody"):
        watch.watch(f"sqlite:///{tmp_path / 'mlflow.db'}", "nobody", tmp_path, free_port(), Console())
