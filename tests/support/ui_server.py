"""`orchestrate ui` as a user starts it, with the login that it prints."""

from __future__ import annotations

import re
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from support.commands import start
from support.ports import free_port
from support.waiting import wait_until


@dataclass(frozen=True)
class UiServer:
    """On 127.0.0.1."""

    port: int
    user: str
    password: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: str | None = None, host: str = "", password: str | None = None
    ) -> tuple[int, str]:
        """(status, text) of an answer. `host`: what the browser says that it asks. `password`: None to name none."""
        headers = {"Content-Type": "application/json", **({"Host": host} if host else {})}
        if password is not None:
            headers["Authorization"] = f"Basic {b64encode(f'{self.user}:{password}'.encode()).decode()}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()


@contextmanager
def mlflow_ui(home: Path) -> Iterator[UiServer]:
    port = free_port()
    server = start("ui", "--port", str(port), home=home)
    try:
        assert server.stdout
        text = server.stdout.readline() + server.stdout.readline()
        login = re.search(r"user (\S+), password (\S+)", text)
        assert login, text
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/health"), "MLflow's UI", process=server)
        yield UiServer(port, login[1], login[2])
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
