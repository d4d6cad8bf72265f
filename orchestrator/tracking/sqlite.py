"""MLflow's SQLite file: its integrity is checked before anything is sent, and it appears whole or not at all."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from gan_core.error_text import last_line
from orchestrator.errors import UserError
from orchestrator.tracking import address

BUSY_TIMEOUT = 60.0
"""Seconds to wait for another process that writes to the database."""


def database_file(uri: str) -> Path | None:
    """The file of a SQLite address; None for other stores."""
    url = address.parse(uri)
    name = url.database or ":memory:"
    return Path(name) if url.get_backend_name() == "sqlite" and name != ":memory:" else None


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


def create(uri: str, create_tables: Callable[[str], object]) -> None:
    """Let `create_tables` fill a new file, given its address, and give it the name of `uri` when it is whole.

    MLflow's migrations are not one transaction, and it cannot go on with what a process that was killed in them left.
    One process at a time creates the file. Nothing is done where it exists, and for stores other than SQLite. Raises
    OSError, and what `create_tables` raises.
    """
    file = database_file(uri)
    if file is None or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        for left_behind in file.parent.glob(f"{file.name}.new-*"):
            left_behind.unlink()
        if file.exists():
            return
        suffix = f".new-{secrets.token_hex(4)}"  # one for each try: MLflow keeps the connections of one that failed
        path, mark, query = uri.partition("?")
        create_tables(f"{path}{suffix}{mark}{query}")
        file.with_name(file.name + suffix).rename(file)
