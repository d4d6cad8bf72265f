"""What other processes do to MLflow's SQLite file, as targets of `multiprocessing`'s spawned processes."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from orchestrator.tracking.client import client_for


def die_in_a_transaction(file: Path) -> None:
    """Writes so much that SQLite's cache spills into the file, and is killed before the commit."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE half (x)")
    database.executemany("INSERT INTO half VALUES (?)", [("x" * 1000,)] * 1000)
    os.kill(os.getpid(), signal.SIGKILL)


def create_tables(uri: str) -> None:
    client_for(uri).search_experiments(max_results=1)


def die_in_a_migration(uri: str) -> None:
    """Is killed while MLflow creates its tables, where one of them stands under a passing name."""

    @event.listens_for(Engine, "before_cursor_execute")
    def kill(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO _alembic_tmp_"):
            os.kill(os.getpid(), signal.SIGKILL)

    create_tables(uri)
