"""A real `mlflow server`, and a proxy in front of it that misbehaves on request."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.request import urlopen

from support.mirrors import empty_database

Behaviour = Literal["pass", "hang", "500", "429", "garbage", "cut", "drop"]
"""`cut`: the server does what was requested, but half of its answer arrives. `drop`: the same, but nothing arrives."""


def start_server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start an MLflow server on loopback and wait until it answers. Its store is in `folder`."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination",
        str(folder / "a"),
    ]
    if not (folder / "server.db").exists():
        (folder / "server.db").write_bytes(empty_database())  # the server takes seconds to make one
    with open(folder / "server.log", "ab") as log:
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # as `orchestrate ui` does
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=env)
    for _ in range(1200):
        try:
            urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return server
        except OSError:
            assert server.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.1)
    raise AssertionError("no MLflow server within 2 minutes")


class Proxy:
    """`behaviour` is called before each request, with its method and path. `requests`: all requests so far."""

    def __init__(self, server_port: int):
        self.server_port = server_port
        self.behaviour: Callable[[str, str], Behaviour] = lambda method, path: "pass"
        self.delay = 0.0
        self.requests: list[str] = []
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"

    def always(self, behaviour: Behaviour) -> None:
        self.behaviour = lambda method, path: behaviour

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                pass

            def forward(self) -> None:
                proxy.requests.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                behaviour = proxy.behaviour(self.command, self.path)
                if behaviour == "hang":
                    proxy.closing.wait(60)
                    self.close_connection = True
                elif behaviour in ("500", "429"):
                    extra = {"Retry-After": "3600"} if behaviour == "429" else {}
                    self.answer(int(behaviour), b'{"error_code": "INTERNAL_ERROR", "message": "no"}', extra)
                elif behaviour == "garbage":
                    self.wfile.write(b"\x00\x01 not HTTP at all\r\n\r\n")
                    self.close_connection = True
                else:
                    proxy.closing.wait(proxy.delay)
                    self.pass_on(body, behaviour)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

            def pass_on(self, body: bytes, behaviour: Behaviour) -> None:
                connection = HTTPConnection("127.0.0.1", proxy.server_port, timeout=60)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                connection.request(self.command, self.path, body, headers)
                response = connection.getresponse()
                content = response.read()
                connection.close()
                if behaviour == "drop":
                    self.close_connection = True
                    return
                headers = {"Content-Type": response.headers.get("Content-Type", "text/plain")}
                self.answer(response.status, content, headers, len(content) // 2 if behaviour == "cut" else None)

            def answer(self, status: int, content: bytes, headers: dict[str, str], part: int | None = None) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content[:part])
                self.close_connection = part is not None

        return Handler


@contextmanager
def proxied(server_port: int) -> Iterator[Proxy]:
    proxy = Proxy(server_port)
    thread = threading.Thread(target=proxy.server.serve_forever, daemon=True)
    thread.start()
    yield proxy
    proxy.closing.set()
    proxy.server.shutdown()
    proxy.server.server_close()
    thread.join()
