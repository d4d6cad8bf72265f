"""A damaged database of MLflow's is noticed before anything is started, and one command at a time makes its tables."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.mirrors import mirrored
from support.tiny import run_to_end

from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.tracking import sqlite

MakePlan = Callable[[], Plan]


@pytest.fixture
def file(tiny_plan: MakePlan, tmp_path: Path) -> Path:
    plan = tiny_plan()
    run_to_end(plan, plan.trials[0])
    mirrored(plan, tmp_path)
    return tmp_path / "mlflow.db"


def overwrite(file: Path, start: float, count: int) -> None:
    content = bytearray(file.read_bytes())
    place = int(len(content) * start)
    content[place : place + count] = b"\xff" * count
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "head": lambda file: overwrite(file, 0.0, 100),
    "middle": lambda file: overwrite(file, 0.4, 20_000),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "not one": lambda file: file.write_text("notes\n" * 1000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line_that_says_what_to_do(damage: str, file: Path) -> None:
    sqlite.check(f"sqlite:///{file}", "tiny")
    DAMAGES[damage](file)
    with pytest.raises(UserError) as refused:
        sqlite.check(f"sqlite:///{file}", "tiny")
    assert "is damaged" in str(refused.value)
    assert "move it away" in str(refused.value) and "orchestrate sync tiny" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_with_the_database_moved_away_everything_is_in_mlflow_again(
    file: Path, tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    DAMAGES["middle"](file)
    file.rename(file.with_suffix(".damaged"))
    sqlite.check(f"sqlite:///{file}", "tiny")
    mirror = mirrored(plan, tmp_path)
    run = mirror.client.get_run(mirror.children[plan.trials[0].key].run_id)
    points = mirror.client.get_metric_history(run.info.run_id, "loss/generator")
    assert [point.step for point in points] == [2, 4, 6, 8]


KILLED_IN_A_TRANSACTION = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("CREATE TABLE half (x)")
database.executemany("INSERT INTO half VALUES (?)", [("x" * 1000,)] * 1000)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_command_left_half_written_is_taken_back(file: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_IN_A_TRANSACTION, file], check=False)
    assert file.with_name("mlflow.db-journal").exists()
    sqlite.check(f"sqlite:///{file}", "tiny")
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)


OPEN = """
import sys
from orchestrator.tracking import client_for
from orchestrator import database
uri = sys.argv[1]
with database.being_made(uri):
    client_for(uri).search_experiments(max_results=1)
"""


def test_commands_that_start_at_once_make_the_database_once(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    started = [subprocess.Popen([sys.executable, "-c", OPEN, uri], stderr=subprocess.PIPE) for _ in range(3)]
    ended = [(one.communicate()[1].decode(), one.returncode) for one in started]
    assert [code for _, code in ended] == [0, 0, 0], ended
    sqlite.check(uri, "tiny")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "postgresql://a:b@c/d", "sqlite:///no/such/file.db"])
def test_other_stores_are_not_looked_at(uri: str) -> None:
    sqlite.check(uri, "tiny")
