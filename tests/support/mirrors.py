"""The mirror of a plan, in an MLflow store of its own."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_json
from orchestrator.tracking import run_content
from orchestrator.tracking.client import client_for
from orchestrator.tracking.mirror import Mirror


@cache
def empty_database() -> bytes:
    """An MLflow database with its tables and nothing in them, made once a process: MLflow takes seconds for it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mlflow.db"
        client_for(f"sqlite:///{file}").search_experiments(max_results=1)
        return file.read_bytes()


def with_database(home: Path) -> Path:
    """This home, which is new, with an empty database of MLflow: a command there need not make one."""
    home.mkdir(exist_ok=True)
    (home / "mlflow.db").write_bytes(empty_database())
    return home


def copy_home(source: Path, target: Path) -> None:
    """Copy a folder with a home and MLflow's database mlflow.db, which names the folder of each run's files."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()  # MLflow remembers by a run's id where its files are
    shutil.copytree(source, target, dirs_exist_ok=True)
    with closing(sqlite3.connect(target / "mlflow.db")) as database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(source), str(target)))
        database.commit()


def mirror_of(plan: Plan, home: Path, uri: str = "", compare_all: bool = False) -> Mirror:
    """`uri`: by default the database mlflow.db in `home`, which is made."""
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    database = home / "mlflow.db"
    if not uri and not database.exists():
        database.write_bytes(empty_database())
    return Mirror(plan.folder, uri or f"sqlite:///{database}", plan.to_document(), compare_all)


def synced_mirror(plan: Plan, home: Path, uri: str = "", compare_all: bool = False) -> Mirror:
    """A mirror that has sent everything that the folder holds."""
    mirror = mirror_of(plan, home, uri, compare_all)
    mirror.open()
    mirror.sync()
    return mirror


def stored_points(database: Path, run_id: str) -> list[tuple[str, int, int, float]]:
    """(metric, step, time, value) of every point in MLflow's database, in the order in which they arrived."""
    with sqlite3.connect(database) as connection:
        query = "SELECT key, step, timestamp, value FROM metrics WHERE run_uuid = ? ORDER BY rowid"
        return connection.execute(query, (run_id,)).fetchall()


def expected_points(plan: Plan, key: str) -> Counter[tuple[str, int, int, float]]:
    """(metric, step, time, value) of every point that the folder of a trial gives, as `stored_points` has them."""
    folder = plan.folder.trial(key)
    record = folder.record()
    points = [point for row in folder.history(record.step) for point in run_content.row_points(row)]
    points += run_content.end_points(record)
    return Counter((name, step, time_ms, value) for name, value, time_ms, step in points)
