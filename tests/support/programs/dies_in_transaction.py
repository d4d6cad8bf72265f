"""Kills itself in the middle of a transaction of the SQLite database at argv[1], part of which is in the file."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys


def main() -> None:
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE half (x)")
    database.executemany("INSERT INTO half VALUES (?)", [("x" * 1000,)] * 1000)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
