"""MLflow's SQLite file: its integrity is checked before anything is sent, and one process at a time creates it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from gan_core.error_text import last_line
from orchestrator.errors import UserError

BUSY_TIMEOUT = 60.0
"""Seconds to wait for another process that writes to the database."""


def database_file(uri: str) -> Path | None:
    """The file of a SQLite address; None for other stores."""
    parts = urlsplit(uri)
    name = parts.path.removeprefix("/")
    return Path(name) if parts.scheme.partition("+")[0] == "sqlite" and name not in ("", ":memory:") else None


def check_integrity(uri: str, sweep: str) -> None:
    """Raises UserError if the file is damaged. SQLite rolls back what a killed process left half-written."""
    file = database_file(uri)
    if file is None or not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT)) as database:
            (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise UserError(f"{file} cannot be read ({error}); check its permissions and its disk") from None
    except sqlite3.DatabaseError as error:
        result = str(error)
    if result != "ok":
        cause = last_line(result)
        raise UserError(
            f"{file} is damaged ({cause}); move it away and run the same command, or `orchestrate sync {sweep}`: "
            "MLflow's runs are made again from the sweep's folder"
        )


@contextmanager
def creation_lock(uri: str) -> Iterator[None]:
    """Held while MLflow creates its tables, because two commands that start at once would both create them.

    Raises OSError. For stores other than SQLite there is no lock.
    """
    file = database_file(uri)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        yield
