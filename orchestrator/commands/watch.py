"""`orchestrate watch`: the report as a live page on this machine, written again while the sweep runs."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from orchestrator.commands.ui import check_free
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.report.write_report import write_report
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_running
from orchestrator.tracking import moved_home

REFRESH_SECONDS = 20
"""How often the page is written again; a browser loads it again as often."""


def watch(tracking_uri: str, sweep: str, home: Path, port: int, console: Console) -> None:
    """Serve the report on 127.0.0.1 until Ctrl-C. Raises UserError if the port is taken, or MLflow has no such sweep.

    Other users of the machine reach the port, so the address has a token, a new one each time.
    """
    folder = SweepFolder(home, sweep)
    check_free(port)
    moved_home.follow(tracking_uri, partial(say, console))
    with TemporaryDirectory(prefix="orchestrate-watch-") as scratch, LivePage(Path(scratch), port) as page:

        def write(is_live: bool) -> None:
            write_report(tracking_uri, [sweep], Path(scratch), refresh=REFRESH_SECONDS if is_live else None)

        write(is_running(folder))
        say(console, f"live report  {page.address}  (Ctrl-C ends it)")
        follow(lambda: is_running(folder), write, lambda line: say(console, line))


def follow(is_running: Callable[[], bool], write: Callable[[bool], None], note: Callable[[str], None]) -> None:
    """Write the report again and again while the sweep runs, also if it begins later. Never returns."""
    was_running, is_lost = is_running(), False
    while True:
        time.sleep(REFRESH_SECONDS)
        running = is_running()
        if running or was_running:
            try:
                write(running)
                is_lost = False
            except UserError as error:  # MLflow may be away for a while
                if not is_lost:
                    note(f"{error}; the page stays as it was, and is written again later")
                is_lost = True
        if was_running and not running:
            note("the sweep has ended; this page has its report")
        was_running = running


class LivePage:
    """A server of the files in `folder`, for who knows its address. A context manager."""

    def __init__(self, folder: Path, port: int):
        token = secrets.token_urlsafe(16)
        handler = partial(_Handler, token, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/{token}/report.html"

    def __enter__(self) -> LivePage:
        threading.Thread(target=self._server.serve_forever, name="live-page", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Gives the files of a folder to requests whose path begins with the token, and 404 to all others."""

    def __init__(self, token: str, *arguments: Any, **more: Any):
        self._token = token
        super().__init__(*arguments, **more)

    def send_head(self) -> Any:
        given, _, rest = self.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(given.encode(), self._token.encode()) or rest in ("", "."):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.path = f"/{rest}"
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # it would hold the token
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal shows what happens to the sweep."""
