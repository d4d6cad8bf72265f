"""A real PostgreSQL on a host of the test, with a password."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.hosts import Host
from support.ports import free_port

USER, DATABASE, PORT = "mlflow", "mlflow", 5432


def binaries() -> Path:
    """Where PostgreSQL's programs are: Debian keeps them out of the path. Skips where there are none."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    places += [Path(program).parent for program in [shutil.which("initdb")] if program]
    if not places:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    return places[-1].resolve()


def unprivileged() -> str:
    """The user that it runs as, since it refuses root; empty where that is this one."""
    if os.geteuid() != 0:
        return ""
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Postgres:
    """In `folder`, which must be one that its user can reach. `start` and `kill` may alternate."""

    def __init__(self, host: Host, folder: Path, password_file: Path, log: Path, port: int = PORT):
        self.host, self.port, self.log, self.data, self.user = host, port, log, folder / "data", unprivileged()
        self.password = password_file.read_text().strip()
        own = folder / "password"
        own.write_text(self.password)
        if self.user:
            for path in (folder, own):
                shutil.chown(path, self.user)
        command = binaries() / "initdb", "-D", self.data, "-U", USER, f"--pwfile={own}", "--auth=scram-sha-256"
        self._ask(*command, "--no-sync", "--encoding=SQL_ASCII", "--locale=C")  # as `initdb` does where LANG is not set
        own.unlink()
        with open(self.data / "pg_hba.conf", "a") as rules:
            rules.write("host all all samenet scram-sha-256\n")

    def uri(self, database: str = DATABASE) -> str:
        """Without the password."""
        return f"postgresql://{USER}@{self.host.address}:{self.port}/{database}"

    def start(self) -> None:
        command = binaries() / "postgres", "-D", self.data, "-h", self.host.address, "-p", str(self.port), "-k", ""
        self.process = self.host.start(*command, log=self.log, user=self.user)
        deadline = time.monotonic() + 60
        while True:
            try:
                is_made = self.rows("SELECT 1 FROM pg_database WHERE datname = %s", DATABASE, database="postgres")
                break
            except psycopg.OperationalError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)
        if not is_made:
            self.create(DATABASE)

    def create(self, database: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {database}")

    def kill(self) -> None:
        """At once, with all its connections, as a crash would; what it had promised is in its log."""
        self._ask(binaries() / "pg_ctl", "-D", self.data, "stop", "-m", "immediate")
        self.process.wait(30)

    def rows(self, query: str, *values: Any, database: str = DATABASE) -> list[tuple[Any, ...]]:
        with self._connect(database) as connection:
            return connection.execute(query, values).fetchall()

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            dbname=database,
            connect_timeout=5,
            client_encoding="utf8",
            autocommit=True,
            host=self.host.address,
            port=self.port,
            user=USER,
            password=self.password,
        )

    def _ask(self, *words: str | Path) -> None:
        done = subprocess.run(self.host.words(*words, user=self.user), capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgres_on_loopback() -> Iterator[Postgres]:
    """A server on loopback with its default durability, in a temporary folder. Skips where there is no PostgreSQL."""
    host = Host("database", "127.0.0.1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # its user passes through
        (folder / "data").mkdir()
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(16))
        server = Postgres(host, folder / "data", secret, folder / "log", free_port())
        server.start()
        try:
            yield server
        finally:
            host.kill()
