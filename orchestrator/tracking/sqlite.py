"""MLflow's SQLite file: looked at before anything is sent, and opened by one command at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from gan_core.error_text import last_line
from orchestrator.errors import UserError

SECONDS_BUSY = 60.0
"""How long another command's writing is waited for."""


def file_of(uri: str) -> Path | None:
    """The file of a SQLite address; None for other stores."""
    parts = urlsplit(uri)
    name = parts.path.removeprefix("/")
    return Path(name) if parts.scheme.partition("+")[0] == "sqlite" and name not in ("", ":memory:") else None


def check(uri: str, sweep: str) -> None:
    """Raises UserError if the file is damaged. What a killed command left half-written SQLite takes back here."""
    file = file_of(uri)
    if file is None or not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=SECONDS_BUSY)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise UserError(f"{file} cannot be read ({error}); check its permissions and its disk") from None
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise UserError(
            f"{file} is damaged ({last_line(found)}); move it away and run the same command, or "
            f"`orchestrate sync {sweep}`: MLflow's runs are made again from the sweep's folder"
        )


@contextmanager
def being_made(uri: str) -> Iterator[None]:
    """While MLflow makes its tables: of two commands that start at once, both would. Raises OSError."""
    file = file_of(uri)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        yield
