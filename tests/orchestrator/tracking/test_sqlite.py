"""A damaged MLflow database is reported before anything starts, and one command at a time creates its tables."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.mirrors import synced_mirror
from support.sqlite_processes import create_tables, die_in_a_migration, die_in_a_transaction
from support.tiny import TINY, finished_trial

from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.sweepfile import loader
from orchestrator.tracking import sqlite
from orchestrator.tracking.address import default_uri

MakePlan = Callable[[], Plan]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store"])  # imported once for all processes


@pytest.fixture
def file(tiny_plan: MakePlan, tmp_path: Path) -> Path:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    synced_mirror(plan, tmp_path)
    return tmp_path / "mlflow.db"


def overwrite(file: Path, start: float, count: int) -> None:
    content = bytearray(file.read_bytes())
    offset = int(len(content) * start)
    content[offset : offset + count] = b"\xff" * count
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "head": lambda file: overwrite(file, 0.0, 100),
    "middle": lambda file: overwrite(file, 0.4, 20_000),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "no database": lambda file: file.write_text("notes\n" * 1000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line_that_says_what_to_do(damage: str, file: Path) -> None:
    sqlite.check_integrity(f"sqlite:///{file}", "tiny")
    DAMAGES[damage](file)
    with pytest.raises(UserError) as caught:
        sqlite.check_integrity(f"sqlite:///{file}", "tiny")
    assert "is damaged" in str(caught.value)
    assert "move it away" in str(caught.value) and "orchestrate sync tiny" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_with_the_database_moved_away_everything_is_in_mlflow_again(
    file: Path, tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    DAMAGES["middle"](file)
    file.rename(file.with_suffix(".damaged"))
    sqlite.check_integrity(f"sqlite:///{file}", "tiny")
    mirror = synced_mirror(plan, tmp_path)
    run = mirror.client.get_run(mirror.children[plan.trials[0].key].run_id)
    points = mirror.client.get_metric_history(run.info.run_id, "loss/generator")
    assert [point.step for point in points] == [2, 4, 6, 8]


def test_what_a_killed_command_left_half_written_is_rolled_back(file: Path) -> None:
    process = PROCESSES.Process(target=die_in_a_transaction, args=(file,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert file.with_name("mlflow.db-journal").exists()
    sqlite.check_integrity(f"sqlite:///{file}", "tiny")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)


def test_commands_that_start_at_once_create_the_database_once(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    processes = [PROCESSES.Process(target=create_tables, args=(uri,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    sqlite.check_integrity(uri, "tiny")


def test_a_command_killed_while_mlflow_creates_its_tables_leaves_no_half_made_database(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    process = PROCESSES.Process(target=die_in_a_migration, args=(uri,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "mlflow.db").exists()
    create_tables(uri)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]
    sqlite.check_integrity(uri, "tiny")


@pytest.mark.parametrize("name", ["a?b#c d", "50%3F"])
def test_everything_stays_in_a_home_whatever_its_name_is(name: str, tmp_path: Path) -> None:
    home, sweep_file = tmp_path / name, tmp_path / "tiny.yaml"
    sweep_file.write_text(TINY)
    plan = make_plan(loader.load(sweep_file), home)
    finished_trial(plan, plan.trials[0])
    uri = default_uri(home)
    synced_mirror(plan, home, uri)
    assert {path.name for path in tmp_path.iterdir()} == {name, "tiny.yaml"}
    assert sqlite.database_file(uri) == home / "mlflow.db" and (home / "mlflow.db").exists()
    assert list((home / "mlartifacts").rglob("history.jsonl"))
    sqlite.check_integrity(uri, "tiny")
    assert read_sweep(uri, "tiny").runs[0].history.keys() >= {"loss/generator"}


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "postgresql://a:b@c/d", "sqlite:///no/such/file.db"])
def test_other_stores_are_not_checked(uri: str) -> None:
    sqlite.check_integrity(uri, "tiny")
