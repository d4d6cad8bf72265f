"""A PostgreSQL of the benchmark's own, on loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2


def binaries() -> Path:
    """Where PostgreSQL's programs are: Debian keeps them out of the path."""
    places = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin")),
        *(Path(p).parent for p in [shutil.which("initdb")] if p),
    ]
    if not places:
        sys.exit("no PostgreSQL on this machine (apt-get install postgresql); --store sqlite needs none")
    return places[-1].resolve()


@contextmanager
def postgres() -> Iterator[str]:
    """The server's address, `postgresql+psycopg2://USER:PASSWORD@127.0.0.1:PORT`, with durable writes as installed."""
    user = "" if os.geteuid() else next(u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
    root, password, port = Path(tempfile.mkdtemp(prefix="postgres-")), secrets.token_hex(16), _free_port()
    secret = root / "password"
    secret.write_text(password)
    for path in (root, secret):
        if user:  # it refuses to run as root
            shutil.chown(path, user)
    words = {"user": user, "cwd": "/"} if user else {"cwd": "/"}
    initdb = [binaries() / "initdb", "-D", root / "data", "-U", "bench", f"--pwfile={secret}", "--auth=scram-sha-256"]
    subprocess.run([*initdb, "--encoding=UTF8", "--locale=C"], check=True, capture_output=True, **words)
    command = [binaries() / "postgres", "-D", root / "data", "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **words)
    address = f"postgresql+psycopg2://bench:{password}@127.0.0.1:{port}"
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # SIGTERM would wait for its clients
        server.wait(60)
        shutil.rmtree(root)


def ask(address: str, database: str, query: str) -> list[tuple[object, ...]]:
    """The rows that a query gives, each statement being committed by itself."""
    connection = psycopg2.connect(address.replace("+psycopg2", "") + f"/{database}")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            ask(address, "postgres", "SELECT 1")
            return
        except psycopg2.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
