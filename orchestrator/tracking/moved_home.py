"""A home that is elsewhere now: moved, copied, or mounted at another place.

Its MLflow database names the folder of every artifact by an absolute address. Before a command uses the database, the
addresses in the home's former place are changed to where the home is now. Addresses elsewhere stay as they are.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from filelock import FileLock

from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError, escape_control_characters
from orchestrator.store.sweep_folder import sweep_folders
from orchestrator.store.sweep_lock import refuse_if_held
from orchestrator.tracking import mirror_file
from orchestrator.tracking.artifact_location import ARTIFACTS_FOLDER, local_folder
from orchestrator.tracking.sqlite import BUSY_TIMEOUT, database_file

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's database has addresses of artifacts (mlflow 3.17)."""


def former_locations(uri: str) -> list[Path]:
    """Where MLflow's database at `uri` looks for the artifacts of the home that it lies in, although they are here.

    Nothing for databases that are no SQLite file, do not exist or cannot be read.
    """
    file = database_file(uri)
    if file is None or not file.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return _former_locations(database, file.absolute().parent)
    except sqlite3.Error:  # whoever opens it next says what is wrong
        return []


def follow(uri: str, note: Callable[[str], None]) -> None:
    """Let MLflow's database at `uri` look for artifacts where its home is now. `note` gets a line if that changes it.

    Raises UserError if the database cannot be written, or while a sweep of the home runs: it may run at the former
    place, as in a container, and would not find its artifacts any more.
    """
    if not former_locations(uri):
        return
    file = database_file(uri)
    assert file
    home = file.absolute().parent
    for folder in sweep_folders(home):
        refuse_if_held(folder)
    try:
        with (
            FileLock(file.with_name(f"{file.name}.lock")),
            closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT, isolation_level=None)) as database,
        ):
            database.execute("BEGIN IMMEDIATE")
            locations = _former_locations(database, home)  # another command may have been faster
            changed = sum(_change(database, location, home) for location in locations)
            database.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"this home was at {_names(former_locations(uri))} before, and {file}, which names the folders of "
            f"artifacts, cannot be changed ({error}); make it writable, or copy the home"
        ) from None
    if changed:
        note(f"this home was at {_names(locations)} before; {changed} addresses in {file} follow it to {home}")


def warning(uri: str) -> tuple[str, str]:
    """What is wrong with the addresses in the database, and what corrects it; empty if nothing is wrong."""
    locations = former_locations(uri)
    if not locations:
        return "", ""
    file = database_file(uri)
    assert file
    sync = orchestrate_command("sync SWEEP", file.absolute().parent)
    return f"this home was moved or copied: artifacts are looked for in {_names(locations)}", f"{sync} corrects it"


def _names(locations: list[Path]) -> str:
    return " and ".join(escape_control_characters(str(location)) for location in locations)


def _former_locations(database: sqlite3.Connection, home: Path) -> list[Path]:
    """The locations of `home` that experiments have their artifacts in, where that is not its place now.

    Such a place is one of this home if artifacts of the experiment are in this home, or if a sweep of this home was
    recorded at that place. So a home is not mistaken for another one that records into the same database.
    """
    query = "SELECT experiment_id, artifact_location FROM experiments"
    recorded = set(_recorded_locations(home))
    locations: dict[Path, None] = {}
    for experiment_id, location in database.execute(query).fetchall():
        folder = local_folder(location or "")
        if folder is None or folder.parent.name != ARTIFACTS_FOLDER:
            continue
        former = folder.parent.parent
        is_elsewhere = former != home and not _are_same(former, home)
        if is_elsewhere and (former in recorded or _has_runs(database, experiment_id, home, folder.name)):
            locations[former] = None
    return list(locations)


def _recorded_locations(home: Path) -> Iterator[Path]:
    for folder in sweep_folders(home):
        with suppress(UserError):  # the address cannot be read
            if file := database_file(mirror_file.tracking_uri(folder)):
                yield file.parent


def _has_runs(database: sqlite3.Connection, experiment_id: int, home: Path, name: str) -> bool:
    """Whether this home holds artifacts of a run of the experiment."""
    try:
        folders = set(os.listdir(home / ARTIFACTS_FOLDER / name))
    except OSError:
        return False
    runs = database.execute("SELECT run_uuid FROM runs WHERE experiment_id = ?", (experiment_id,))
    return any(run_id in folders for (run_id,) in runs)


def _are_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # it does not exist, or is no path
        return False


def _change(database: sqlite3.Connection, place: Path, home: Path) -> int:
    """Change the addresses below `place` to the same ones below `home`; returns how many there are."""
    changed = 0
    for table, column in _columns(database):
        for before, now in ((place.as_uri(), home.as_uri()), (str(place), str(home))):
            below = f"{before}/"
            statement = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"
            cursor = database.execute(statement, (f"{now}/", len(below) + 1, len(below), below))
            changed += cursor.rowcount
    return changed


def _columns(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Those of COLUMNS that the database has."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return [(table, column) for table, column in COLUMNS if table in tables]
