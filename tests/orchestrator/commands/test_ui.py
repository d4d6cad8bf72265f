"""`orchestrate ui` names its store, makes none, and says that it is up when it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.commands import invoke
from support.ports import free_port

from orchestrator.commands.ui import answers, pages


def test_a_store_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    home = tmp_path / "wrong"
    done = invoke("ui", home=home)
    assert done.returncode == 2
    assert f"no MLflow store {home / 'mlflow.db'}" in done.stderr
    assert f"orchestrate sweep FILE --home {home}" in done.stderr
    assert list(tmp_path.iterdir()) == []


@contextmanager
def server(status: int, experiments: list[dict[str, Any]]) -> Iterator[str]:
    """Answers as MLflow does to a question for its experiments; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(200 if self.path == "/health" else 404, b"OK")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(status, json.dumps({"experiments": experiments}).encode())

        def log_message(self, *args: object) -> None:
            pass

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=service.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.server_port}"
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


DEFAULT = {"name": "Default", "experiment_id": "0"}


def test_each_sweep_has_a_link_to_the_table_of_its_runs(tmp_path: Path) -> None:
    experiments = [DEFAULT, {"name": "smoke", "experiment_id": "2"}, {"name": "mine", "experiment_id": "1"}]
    with server(200, experiments) as address:
        assert answers(address)
        assert pages(address, tmp_path, "secret") == [
            f"MLflow is up: {address} (Ctrl-C ends it)",
            f"mine  {address}/#/experiments/1/runs?workflowType=machine_learning",
            f"smoke  {address}/#/experiments/2/runs?workflowType=machine_learning",
        ]


def test_an_empty_store_is_said_to_be_empty(tmp_path: Path) -> None:
    with server(200, [DEFAULT]) as address:
        assert pages(address, tmp_path, "secret")[1:] == [
            f"it holds no sweep yet; orchestrate sweep FILE --home {tmp_path} makes one"
        ]


def test_a_server_that_takes_no_login_is_told_by_its_address(tmp_path: Path) -> None:
    with server(401, []) as address:
        assert pages(address, tmp_path, "secret") == [f"MLflow is up: {address} (Ctrl-C ends it)"]


def test_nothing_that_listens_is_not_up() -> None:
    assert not answers(f"http://127.0.0.1:{free_port()}")


def test_a_taken_port_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with server(200, []) as address:
        done = invoke("ui", "--port", address.rpartition(":")[2], home=tmp_path)
    assert done.returncode == 2
    assert "is taken; choose another with --port" in done.stderr


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "https://mlflow.example.org"])
def test_a_server_needs_no_other(tmp_path: Path, uri: str) -> None:
    done = invoke("ui", "--tracking-uri", uri, home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"MLflow already serves these runs at {uri}\n")
