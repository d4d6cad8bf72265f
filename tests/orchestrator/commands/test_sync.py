"""`orchestrate sync`: whatever MLflow lost, the folder alone brings it back; what is there is not sent."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from rich.console import Console
from support.mirrors import copy_home, empty_database, expected_points, mirror_of, stored_points, synced_mirror
from support.tiny import TINY, finished_trial, run_some_steps

from orchestrator.commands.sync import sync
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.store.sweep_lock import hold
from orchestrator.sweepfile import loader
from orchestrator.tracking import client, mirror_file, run_content
from orchestrator.tracking.client import KIND_TAG
from orchestrator.tracking.run_writer import RunWriter

MakePlan = Callable[[], Plan]


def uri_of(home: Path) -> str:
    return f"sqlite:///{home / 'mlflow.db'}"


def sync_output(plan: Plan, home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says; it must succeed."""
    capsys.readouterr()
    code = sync(plan.folder, uri_of(home), Console(width=300))
    output = capsys.readouterr().out
    assert code == 0, output
    return output


@pytest.fixture(scope="module")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which everything has ended and is in MLflow, as `orchestrate sweep` leaves it."""
    home = tmp_path_factory.mktemp("finished")
    (home / "tiny.yaml").write_text(TINY)
    plan = make_plan(loader.load(home / "tiny.yaml"), home / "home")
    for planned in plan.trials:
        finished_trial(plan, planned)
    mirror_of(plan, home)  # writes sweep.json
    assert sync(plan.folder, uri_of(home), Console(quiet=True)) == 0
    return home


@pytest.fixture
def finished(finished_home: Path, tmp_path: Path) -> Plan:
    """A copy of it, which a test may change."""
    copy_home(finished_home, tmp_path)
    return make_plan(loader.load(tmp_path / "tiny.yaml"), tmp_path / "home")


def runs(plan: Plan) -> dict[str, str]:
    return mirror_file.run_ids(plan.folder)


def test_an_empty_mlflow_is_filled_and_then_nothing_is_sent(
    finished: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").unlink()  # neither the sweep file nor the data are asked for
    other = tmp_path / "other"
    other.mkdir()
    (other / "mlflow.db").write_bytes(empty_database())
    output = sync_output(finished, other, capsys)
    total = sum(sum(expected_points(finished, planned.key).values()) for planned in finished.trials)
    assert f"{total} points" in output
    assert "5 runs" in output and "12 pictures" in output
    for planned in finished.trials:
        assert Counter(stored_points(other / "mlflow.db", runs(finished)[planned.key])) == expected_points(
            finished, planned.key
        )
    assert read_sweep(uri_of(other), "tiny").runs[0].settings == read_sweep(uri_of(tmp_path), "tiny").runs[0].settings
    assert "nothing was sent" in sync_output(finished, other, capsys)


def test_what_a_half_filled_mlflow_lacks_is_sent_and_no_more(
    finished: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str], without_pictures: None
) -> None:
    key = finished.trials[1].key
    run_id = runs(finished)[key]
    folder = Path(MlflowClient(uri_of(tmp_path)).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        gone = database.execute("DELETE FROM metrics WHERE run_uuid = ? AND step > 4", (run_id,)).rowcount
        database.execute("DELETE FROM tags WHERE run_uuid = ? AND key = 'verdict.reason'", (run_id,))
        database.execute("DELETE FROM params WHERE run_uuid = ? AND key = 'batch_size'", (run_id,))
        database.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (run_id,))
    (folder / "history.jsonl").unlink()
    for file in (folder / "images").glob("samples+step+4+*"):
        file.unlink()
    output = sync_output(finished, tmp_path, capsys)
    for part in (f"{gone} points", "1 pictures", "1 tags", "1 parameters", "1 statuses"):
        assert part in output
    assert " runs" not in output
    assert Counter(stored_points(tmp_path / "mlflow.db", run_id)) == expected_points(finished, key)
    assert "nothing was sent" in sync_output(finished, tmp_path, capsys)


def test_what_was_deleted_in_mlflow_comes_back_under_its_run(
    finished: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str], without_pictures: None
) -> None:
    before, client = runs(finished), MlflowClient(uri_of(tmp_path))
    client.delete_run(before[finished.trials[0].key])
    assert "1 restored runs" in sync_output(finished, tmp_path, capsys)
    client.delete_experiment(client.get_experiment_by_name("tiny").experiment_id)
    sync_output(finished, tmp_path, capsys)
    assert runs(finished) == before
    assert {client.get_run(run).info.lifecycle_stage for run in before.values()} == {"active"}
    assert "nothing was sent" in sync_output(finished, tmp_path, capsys)


def test_a_run_that_is_deleted_while_it_is_written_comes_back(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = run_some_steps(plan, plan.trials[0], 4)
    mirror = synced_mirror(plan, tmp_path)
    run_id = mirror.children[key].run_id
    mirror.client.delete_run(run_id)
    execution.advance()
    with pytest.raises(Exception, match="deleted"):
        mirror.sync()
    mirror.sync()
    assert mirror.children[key].run_id == run_id
    assert Counter(stored_points(tmp_path / "mlflow.db", run_id)) == expected_points(plan, key)


def test_runs_left_running_by_a_killed_command_become_killed(
    tiny_plan: MakePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str], without_pictures: None
) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 5)
    synced_mirror(plan, tmp_path)
    execution._leave()  # as a kill of its process does
    client = MlflowClient(uri_of(tmp_path))
    everything = [*runs(plan).values(), json.loads(plan.folder.mirror_file.read_text())["parent"]]
    assert [client.get_run(run).info.status for run in everything] == ["RUNNING", "RUNNING"]
    sync_output(plan, tmp_path, capsys)
    assert [client.get_run(run).info.status for run in everything] == ["KILLED", "KILLED"]
    assert "nothing was sent" in sync_output(plan, tmp_path, capsys)


def test_two_writers_are_refused(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    mirror_of(plan, tmp_path)  # writes sweep.json
    with hold(plan.folder), pytest.raises(UserError, match="is being run by process"):
        sync(plan.folder, uri_of(tmp_path), Console(quiet=True))


def test_rows_that_were_written_again_after_a_fall_back_are_not_doubled(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = run_some_steps(plan, plan.trials[0], 4)
    folder, mirror = execution.folder, synced_mirror(plan, tmp_path)
    rows = folder.history()
    folder.history_file.write_text("".join(json.dumps(row | {"time": row["time"] + 1}) + "\n" for row in rows))
    record = folder.record()
    record.attempts.append(record.attempts[-1])
    folder.write_record(record)
    mirror.sync()
    execution.suspend()
    points = stored_points(tmp_path / "mlflow.db", mirror.children[key].run_id)
    assert len({(name, step) for name, step, _, _ in points}) == len(points)


def test_a_long_history_is_read_and_sent_once(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 4)
    mirror = synced_mirror(plan, tmp_path)
    folder, sent = execution.folder, Counter[str]()
    add_points, add_text = RunWriter.add_points, RunWriter.add_text

    def count_points(self: RunWriter, points: list[run_content.Point]) -> None:
        sent["points"] += len(points)
        add_points(self, points)

    def count_bytes(self: RunWriter, name: str, content: str, anew: bool) -> None:
        sent["bytes"] += len(content) if name == "history.jsonl" else 0
        add_text(self, name, content, anew)

    monkeypatch.setattr(RunWriter, "add_points", count_points)
    monkeypatch.setattr(RunWriter, "add_text", count_bytes)
    assert execution._writer is not None
    before, history = folder.history_file.stat().st_size, execution._writer.history
    for step in range(5, 85):
        history.add([{"step": step, "time": step, "loss/generator": 0.5}])
        history.write()
        record = folder.record()
        record.step, record.history = step, history.digest()
        folder.write_record(record)
        mirror.sync()
    assert sent["points"] == 80
    assert sent["bytes"] <= 6 * folder.history_file.stat().st_size - before
    execution.suspend()


def test_a_run_made_by_hand_and_files_that_are_missing_do_not_stop_the_report(finished: Plan, tmp_path: Path) -> None:
    client, mirrored_runs = MlflowClient(uri_of(tmp_path)), json.loads(finished.folder.mirror_file.read_text())
    for tags in ({}, {"mlflow.parentRunId": mirrored_runs["parent"], KIND_TAG: "trial"}):
        client.log_metric(client.create_run(mirrored_runs["experiment"], tags=tags).info.run_id, "loss", float("nan"))
    run_id = runs(finished)[finished.trials[0].key]
    client.log_metric(run_id, "by hand", float("nan"))
    client.log_metric(run_id, "by hand too", float("inf"))
    folder = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
    for name in ("history.jsonl", "environment.json", "evaluator.json", "real.png"):
        (folder / name).unlink()
    data = read_sweep(uri_of(tmp_path), "tiny")
    assert data.runs[0].history == {} and data.runs[1].history
    assert "by hand" not in data.runs[0].latest
    (folder / "history.jsonl").write_text("[half a li")
    with pytest.raises(UserError, match=r"run .*: history\.jsonl is damaged"):
        read_sweep(uri_of(tmp_path), "tiny")


def test_more_runs_than_fit_into_one_answer_are_all_found(finished: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored_runs = json.loads(finished.folder.mirror_file.read_text())
    monkeypatch.setattr(client, "PAGE_SIZE", 3)
    home = finished.folder.home.parent
    assert (
        len([*client.child_runs(client.client_for(uri_of(home)), mirrored_runs["experiment"], mirrored_runs["parent"])])
        == 4
    )


def test_values_longer_than_mlflow_takes_are_cut_before_they_are_compared() -> None:
    trial = {"factors": {"optimizer.betas": ["0.5"] * 2000}, "seed": 0}
    (text,) = [value for name, value in run_content.parameters(trial, {}).items() if name == "optimizer.betas"]
    assert len(text) == run_content.MAX_PARAMETER_LENGTH
    assert len(run_content.parent_description("why", "because " * 2000)) == run_content.MAX_TAG_LENGTH
