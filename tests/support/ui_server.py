"""`orchestrate ui` as a user starts it, with the login that it prints."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from orchestrator.commands.ui import answers
from support.commands import start
from support.ports import free_port


@dataclass(frozen=True)
class UiServer:
    """On 127.0.0.1. `first_page`: the line that it prints when it is up: a sweep, and the table of its runs."""

    port: int
    user: str
    password: str
    first_page: str

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
        login = next(match for line in server.stdout if (match := re.search(r"user (\S+), password (\S+)", line)))
        up = next(line for line in server.stdout if line.startswith("MLflow is up"))
        assert answers(f"http://127.0.0.1:{port}"), up
        yield UiServer(port, login[1], login[2], server.stdout.readline())
    finally:
        server.terminate()
        server.wait(30)
