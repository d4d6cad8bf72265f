"""A home that is moved, copied or mounted elsewhere: commands go on there, and its former place is left alone."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow.pyfunc
import pytest
from mlflow.tracking._tracking_service import utils
from support.commands import invoke
from support.mirrors import synced_mirror
from support.small_disks import read_only
from support.tiny import TINY, run_to_end, stable_trial

from orchestrator.commands.doctor import run_checks
from orchestrator.errors import UserError
from orchestrator.planning import ranking
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold
from orchestrator.sweepfile import loader
from orchestrator.tracking import model_logging, moved_home
from orchestrator.tracking.address import default_uri

NAME = "a home?#50%"
"""Escaped in addresses."""


def plan_in(home: Path) -> Plan:
    file = home.parent / "tiny.yaml"
    file.write_text(TINY)
    return make_plan(loader.load(file), home)


pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sweep, its report and its registered model."""
    home = tmp_path_factory.mktemp("made") / NAME
    plan = plan_in(home)
    stable_trial(plan, plan.trials[0])
    mirror = synced_mirror(plan, home, default_uri(home))
    (best,) = ranking.rank_configurations(ranking.ended_trials(plan.folder, plan.to_document()["trials"]))
    model_logging.log_generator(mirror, best, register="digits")
    (model,) = mirror.client.search_logged_models([mirror.experiment.id])
    mirror.client.create_model_version("digits", model.artifact_location, mirror.parent_run_id)  # as people may do
    assert invoke("sync", "tiny", home=home).returncode == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The home, as if it had been made at a place of its own."""
    place = tmp_path / "former" / NAME
    shutil.copytree(made, place)
    with closing(sqlite3.connect(place / "mlflow.db")) as database:
        for table, column in moved_home.COLUMNS:
            change = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            database.execute(change, (made.as_uri(), place.as_uri()))
        database.commit()
    mirror_file = SweepFolder(place, "tiny").mirror_file
    mirror_file.write_text(mirror_file.read_text().replace(address_of(made), address_of(place)))
    forget_places()
    return place


def address_of(home: Path) -> str:
    """As the address of its database has it."""
    return default_uri(home).partition("?")[0]


def forget_places() -> None:
    """MLflow remembers where a run's artifacts are, in each process. Commands are processes of their own."""
    utils._artifact_repos_cache.clear()


def content(folder: Path) -> dict[str, str]:
    """Path -> hash, of every file and folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def addresses_below(place: Path, database_file: Path) -> list[str]:
    """The columns of any table that have an address in this place."""
    columns = []
    with closing(sqlite3.connect(database_file)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for _, column, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                values = database.execute(f'SELECT "{column}" FROM {table}').fetchall()
                if any(f"{text}/" in str(value) for (value,) in values for text in (place.as_uri(), str(place))):
                    columns.append(f"{table}.{column}")
    return columns


def check_all_is_here(home: Path) -> None:
    """Report and sync work from this home alone."""
    forget_places()
    data = read_sweep(default_uri(home), "tiny")
    assert data.runs[0].history and data.runs[0].pictures
    done = invoke("sync", "tiny", home=home)
    assert done.returncode == 0 and "nothing was sent" in done.stdout, done


def test_every_address_in_the_database_follows_a_moved_home(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "further" / "down"
    new.parent.mkdir()
    shutil.move(home, new)
    assert set(addresses_below(home, new / "mlflow.db")) == {".".join(pair) for pair in moved_home.COLUMNS}
    done = invoke("report", "tiny", home=new)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "was at" in line]
    assert str(home) in line and line.endswith(f"follow it to {new}")
    assert addresses_below(home, new / "mlflow.db") == []
    check_all_is_here(new)
    assert "was at" not in invoke("report", "tiny", home=new).stdout
    assert not home.exists()


def test_a_copy_leaves_its_original_as_it_is(home: Path, tmp_path: Path) -> None:
    new, before = tmp_path / "copy", content(home)
    shutil.copytree(home, new)
    assert "was at" in invoke("sync", "tiny", home=new).stdout
    check_all_is_here(new)
    plan = plan_in(new)
    run_to_end(plan, plan.trials[1])
    synced_mirror(plan, new, default_uri(new))
    assert len(list((new / "mlartifacts").rglob("history.jsonl"))) == 2
    assert content(home) == before
    check_all_is_here(home)


def test_a_copy_without_artifacts_gets_its_own(home: Path, tmp_path: Path) -> None:
    new, before = tmp_path / "copy", content(home)
    shutil.copytree(home, new, ignore=shutil.ignore_patterns("mlartifacts"))
    done = invoke("sync", "tiny", home=new)
    assert "was at" in done.stdout and "files" in done.stdout, done
    check_all_is_here(new)
    assert content(home) == before


def test_the_model_is_loaded_from_where_the_home_is_now(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.move(home, new)
    moved_home.follow(default_uri(new), print)
    with model_logging._as_default_address(default_uri(new)):
        drawn = mlflow.pyfunc.load_model("models:/digits/1").predict(8)
    assert drawn.shape == (8, 1, 32, 32)
    assert not home.exists()


def test_the_doctor_says_what_is_wrong_and_what_corrects_it(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(home, new)
    before = content(new)
    (check,) = [check for check in run_checks(new, default_uri(new), None) if check.name == "tracking"]
    assert check.state == "warning" and str(home) in check.found
    assert check.to_do.startswith("orchestrate sync") and f"--home {new}" in check.to_do
    assert content(new) == before
    moved_home.follow(default_uri(new), print)
    (check,) = [check for check in run_checks(new, default_uri(new), None) if check.name == "tracking"]
    assert check.state == "ok"


def test_the_same_home_by_another_name_was_not_moved(home: Path, tmp_path: Path) -> None:
    link, before = tmp_path / "link", (home / "mlflow.db").read_bytes()
    link.symlink_to(home)
    assert moved_home.former_locations(default_uri(link)) == []
    check_all_is_here(link)
    assert (home / "mlflow.db").read_bytes() == before


def test_another_home_that_records_into_the_same_database_keeps_its_place(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    sweep_file = tmp_path / "other.yaml"
    sweep_file.write_text(TINY.replace("sweep: tiny", "sweep: other"))
    plan = make_plan(loader.load(sweep_file), other)
    run_to_end(plan, plan.trials[0])
    synced_mirror(plan, other, default_uri(home))
    assert moved_home.former_locations(default_uri(home)) == []
    new = tmp_path / "new"
    shutil.move(home, new)
    moved_home.follow(default_uri(new), print)
    assert addresses_below(other, new / "mlflow.db") == ["runs.artifact_uri", "experiments.artifact_location"]
    assert read_sweep(default_uri(new), "other").runs[0].history
    check_all_is_here(new)


def test_a_sweep_that_runs_at_the_former_place_is_not_disturbed(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.move(home, new)
    before = (new / "mlflow.db").read_bytes()
    with hold(SweepFolder(new, "tiny")):
        done = invoke("report", "tiny", home=new)
    assert done.returncode == 2
    assert "sweep tiny is being run by process" in done.stderr
    assert (new / "mlflow.db").read_bytes() == before


def test_a_database_that_cannot_be_changed_is_one_line(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.move(home, new)
    with read_only(new):
        done = invoke("report", "tiny", home=new)
    assert done.returncode == 2
    assert str(home) in done.stderr and "make it writable, or copy the home" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_written_where_a_home_was_that_a_database_elsewhere_names(home: Path, tmp_path: Path) -> None:
    plan = plan_in(home)
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    synced_mirror(plan, home, uri)
    new = tmp_path / "new"
    shutil.move(home, new)
    plan = plan_in(new)
    with pytest.raises(UserError, match=r"there is no folder .*, so nothing is read or written there"):
        synced_mirror(plan, new, uri)
    with pytest.raises(UserError, match="there is no folder"):
        read_sweep(uri, "tiny")
    assert not home.exists()


def test_a_file_that_is_no_database_is_left_to_who_opens_it(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database" * 100)
    assert moved_home.former_locations(default_uri(tmp_path)) == []
    assert moved_home.former_locations("http://127.0.0.1:9") == []
    assert moved_home.former_locations(default_uri(tmp_path / "none")) == []
