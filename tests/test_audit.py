"""`make audit` says whether weaknesses were found or nobody was asked: the real pip-audit, a service on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "audit.py"
WEAKNESS = {
    "schema_version": "1.6.0",
    "id": "GHSA-test",
    "summary": "lets strangers in",
    "affected": [{"package": {"name": "demo", "ecosystem": "PyPI"}, "ranges": []}],
}


@contextmanager
def service(answer: dict[str, Any], status: int = 200) -> Iterator[str]:
    """The address of an advisory service in OSV's format that always gives this answer."""

    class Always(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Always) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audit(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    pinned = folder / "pinned.txt"
    pinned.write_text("demo==1.0\n")
    command = [sys.executable, str(TOOL), "--requirement", str(pinned), "--cache-dir", str(folder / "cache"), *words]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


def test_weaknesses_that_are_known_are_listed_and_counted(tmp_path: Path) -> None:
    with service({"vulns": [WEAKNESS]}) as address:
        done = audit(tmp_path, "--vulnerability-service", "osv", "--osv-url", address)
    assert done.returncode == 1, done.stderr
    assert "GHSA-test" in done.stdout
    assert done.stderr == "make audit: Found 1 known vulnerability in 1 package; they are listed above\n"


def test_without_any_it_says_so(tmp_path: Path) -> None:
    with service({}) as address:
        done = audit(tmp_path, "--vulnerability-service", "osv", "--osv-url", address)
    assert (done.returncode, done.stdout) == (0, "No known vulnerabilities found\n")


@pytest.mark.parametrize("broken", ["unreachable", "refusing"])
def test_a_service_that_does_not_answer_is_not_taken_for_weaknesses(broken: str, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    if broken == "unreachable":
        done = audit(tmp_path, HTTPS_PROXY=nowhere, https_proxy=nowhere, NO_PROXY="", no_proxy="")
    else:
        with service({}, status=403) as address:
            done = audit(tmp_path, "--vulnerability-service", "osv", "--osv-url", address)
    assert done.returncode == 2, done.stdout
    assert "known weaknesses were not looked up: the advisory service was not reached" in done.stderr
    assert "Found" not in done.stderr
    assert "Traceback" not in done.stderr
