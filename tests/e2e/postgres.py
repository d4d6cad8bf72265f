"""A real PostgreSQL on a host of the test, with a password."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hosts import Host

USER, DATABASE, PORT = "mlflow", "mlflow", 5432


def binaries() -> Path:
    """Where PostgreSQL's programs are: Debian keeps them out of the path. Skips where there are none."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    places += [Path(found).parent for found in [shutil.which("initdb")] if found]
    if not places:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    return places[-1].resolve()


def unprivileged() -> str:
    """The user that it runs as, since it refuses root; empty where that is this one."""
    if os.geteuid() != 0:
        return ""
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Postgres:
    """In `folder`, which must be one that its user can reach. `start` and `stop` may alternate."""

    def __init__(self, host: Host, folder: Path, password_file: Path, log: Path):
        self.host, self.log, self.data, self.user = host, log, folder / "data", unprivileged()
        self.password = password_file.read_text().strip()
        own = folder / "password"
        own.write_text(self.password)
        if self.user:
            for path in (folder, own):
                shutil.chown(path, self.user)
        words = [binaries() / "initdb", "-D", self.data, "-U", USER, f"--pwfile={own}", "--auth=scram-sha-256"]
        self._ask(*words, "--no-sync", "--encoding=UTF8", "--locale=C")
        own.unlink()
        with open(self.data / "pg_hba.conf", "a") as rules:
            rules.write("host all all samenet scram-sha-256\n")

    @property
    def uri(self) -> str:
        """Without the password."""
        return f"postgresql+psycopg2://{USER}@{self.host.address}:{PORT}/{DATABASE}"

    def start(self) -> None:
        words = [binaries() / "postgres", "-D", self.data, "-h", self.host.address, "-p", PORT, "-k", ""]
        self.process = self.host.start(*words, log=self.log, user=self.user)
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = self._connect("postgres")
                break
            except psycopg2.OperationalError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {DATABASE}")
        connection.close()

    def kill(self) -> None:
        """At once, with all its connections, as a crash would; what it had promised is in its log."""
        self._ask(binaries() / "pg_ctl", "-D", self.data, "stop", "-m", "immediate")
        self.process.wait(30)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = self._connect(DATABASE)
        with connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            found = cursor.fetchall()
        connection.close()
        return found

    def _connect(self, database: str) -> Any:
        where = {"host": self.host.address, "port": PORT, "user": USER, "password": self.password}
        return psycopg2.connect(dbname=database, connect_timeout=5, **where)

    def _ask(self, *words: str | Path) -> None:
        done = subprocess.run(self.host.words(*words, user=self.user), capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr
