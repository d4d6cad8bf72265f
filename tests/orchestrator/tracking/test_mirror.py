"""The mirror, against a real MLflow store."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.mirrors import mirror_of, stored_points, synced_mirror
from support.tiny import execution_of, finished_trial, run_some_steps, run_to_end, stable_trial

from gan_core import metric_names
from gan_core.verdict.judge import RULES_VERSION
from gan_core.verdict.rules import VERDICTS
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.report.artifact_schemas import LoggedEvaluator
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.store import json_files
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import client, mirror_file, run_content
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.mirror_thread import MirrorThread
from orchestrator.tracking.run_writer import RunWriter

MakePlan = Callable[[], Plan]


def points(mirror: Mirror, key: str) -> Counter[tuple[str, int, float]]:
    run = mirror.client.get_run(mirror.children[key].run_id)
    histories = [mirror.client.get_metric_history(run.info.run_id, name) for name in run.data.metrics]
    return Counter((point.key, point.step, point.value) for history in histories for point in history)


def rows(plan: Plan, key: str, up_to: int = 10**9) -> Counter[tuple[str, int, float]]:
    history = plan.folder.trial(key).history(up_to)
    return Counter((k, int(row["step"]), v) for row in history for k, v in row.items() if k not in ("step", "time"))


def ended(plan: Plan, key: str) -> Counter[tuple[str, int, float]]:
    """The points that a run with a verdict has besides its rows: its best evaluation, looked for in the rows, and
    whether it was stable."""
    measured = [(value, step, name) for name, step, value in rows(plan, key) if name.startswith("frechet/")]
    evaluations = [(value, step, name) for value, step, name in measured if step]  # not of the untrained generator
    value, step, name = min(evaluations)
    record = plan.folder.trial(key).record()
    stable = record.verdict is not None and record.verdict["name"] == "stable"
    after_rules = record.step + RULES_VERSION - 1  # a verdict by newer rules is a later point
    return Counter([(f"best_{name}", step, value), ("verdict/stable", after_rules, float(stable))])


@pytest.mark.parametrize("damage", ["cut off", "no picture"])
def test_a_damaged_picture_is_left_out_and_keeps_nothing_else(damage: str, tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    file = folder.sample_file(4)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "cut off" else b"half a page of something else")
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    assert MirrorThread(mirror).try_sync()
    assert mirror.damaged_pictures == {file}
    run = mirror.client.get_run(mirror.children[folder.key].run_id)
    assert [step for _, step, _ in client.logged_images(mirror.client, run.info.run_id)] == [0, 8]
    assert run.info.status == "FINISHED"
    assert points(mirror, folder.key) == rows(plan, folder.key) + ended(plan, folder.key)


def test_sending_again_doubles_nothing(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    key = plan.trials[0].key
    for _ in range(2):
        mirror = mirror_of(plan, tmp_path)
        mirror.open()
        if key in mirror.children:  # as after a crash between sending and closing
            mirror.children[key].is_closed = False
        mirror.sync()
    assert points(mirror, key) == rows(plan, key) + ended(plan, key)
    assert len(mirror.client.search_runs([mirror.experiment.id])) == 2
    pictures = client.logged_images(mirror.client, mirror.children[key].run_id)
    assert [(name, step) for name, step, _ in pictures] == [("samples", 0), ("samples", 4), ("samples", 8)]


def test_a_finished_trial_that_older_rules_judged_is_read_once(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    record = folder.record()
    assert record.verdict
    record.verdict["rules"] = RULES_VERSION - 1  # its history lacks what today's rules need
    folder.write_record(record)
    synced_mirror(plan, tmp_path)
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    reads: list[Path] = []
    read = TrialFolder.record

    def counted(folder: TrialFolder) -> Record:
        reads.append(folder.folder)
        return read(folder)

    monkeypatch.setattr(TrialFolder, "record", counted)
    for _ in range(3):
        mirror.sync()
    assert reads == [folder.folder]


def test_only_what_the_record_vouches_for_is_sent(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 4)
    with execution.folder.history_file.open("a") as history:
        history.write('{"step": 6, "time": 1, "loss/generator": 9.0}\n')
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    assert points(mirror, plan.trials[0].key) == rows(plan, plan.trials[0].key, up_to=4)
    assert mirror.client.get_run(mirror.children[plan.trials[0].key].run_id).info.status == "RUNNING"
    execution.suspend()
    mirror.sync()
    assert mirror.client.get_run(mirror.children[plan.trials[0].key].run_id).info.status == "KILLED"


def test_a_resumed_trial_goes_on_in_the_same_run(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    run_some_steps(plan, plan.trials[0], 1).suspend()
    first = mirror_of(plan, tmp_path)
    first.open()
    first.sync()
    run_to_end(plan, plan.trials[0])
    second = mirror_of(plan, tmp_path)
    second.open()
    second.sync()
    key = plan.trials[0].key
    assert second.children[key].run_id == first.children[key].run_id
    assert second.parent_run_id == first.parent_run_id
    assert points(second, key) == rows(plan, key) + ended(plan, key)
    assert second.client.get_run(second.children[key].run_id).info.status == "FINISHED"


def test_the_same_sweep_of_another_folder_has_runs_of_its_own(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    finished_trial(plan, plan.trials[0])
    first = mirror_of(plan, tmp_path)
    first.open()
    first.sync()
    shutil.rmtree(plan.folder.folder)
    second_plan = tiny_plan()
    finished_trial(second_plan, second_plan.trials[0])
    second = mirror_of(second_plan, tmp_path)
    second.open()
    second.sync()
    assert second.parent_run_id != first.parent_run_id
    assert second.experiment.id == first.experiment.id
    assert points(second, key) == rows(second_plan, key) + ended(second_plan, key)


def test_a_trial_that_cannot_be_sent_does_not_keep_the_others_from_it(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    for planned in plan.trials[:2]:
        finished_trial(plan, planned)
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    send = RunWriter.add_points

    def refuse_one(self: RunWriter, points: Any) -> None:
        if self.tags[client.KEY_TAG] == plan.trials[0].key:
            raise ConnectionError("not this one")
        send(self, points)

    monkeypatch.setattr(RunWriter, "add_points", refuse_one)
    with pytest.raises(ConnectionError):
        mirror.sync()
    key = plan.trials[1].key
    assert points(mirror, key) == rows(plan, key) + ended(plan, key)


def test_what_failed_and_then_finished_tells_of_the_end_only(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    execution._fail(MemoryError("too much"))
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    run_id = mirror.children[key].run_id
    assert mirror.client.get_run(run_id).data.tags["error"] == "MemoryError: too much"
    run_to_end(plan, plan.trials[0])
    mirror.sync()
    run = mirror.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["status"] == "finished"
    assert run.data.tags["verdict"]
    assert run.data.tags["error"] == ""


def test_a_trial_that_failed_before_it_trained_is_in_mlflow_too(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    execution = execution_of(plan, plan.trials[0])

    def too_large(*_: object, **__: object) -> None:
        raise MemoryError("no memory for the networks")

    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.trial.execution.Trainer", too_large)
        execution.begin()
    assert execution.record.status == "failed"
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    run = mirror.client.get_run(mirror.children[plan.trials[0].key].run_id)
    assert run.info.status == "FAILED"
    assert "no memory for the networks" in run.data.tags["error"]
    assert read_sweep(mirror.uri, "tiny").runs[0].quality("frechet") is None  # the report can be written without it

    finished = run_to_end(plan, plan.trials[0]).folder.record()
    later = mirror_of(plan, tmp_path)
    later.open()
    later.sync()
    run_data = read_sweep(mirror.uri, "tiny").runs[0]
    assert run_data.run_id == run.info.run_id
    assert run_data.evaluator == LoggedEvaluator.model_validate(finished.evaluator)
    assert run_data.quality("frechet") == run_data.history[f"frechet/{finished.evaluator['id']}"][1][-1]
    assert run_data.quality("best_frechet") == finished.best[f"frechet/{finished.evaluator['id']}"]
    assert run_data.environment["applied"]["generator"] == finished.applied["generator"]
    assert run_data.verdict == (finished.verdict or {})["name"]


def test_a_renamed_trial_is_renamed_in_mlflow(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    finished_trial(plan, plan.trials[0])
    first = mirror_of(plan, tmp_path)
    first.open()
    first.sync()
    second = mirror_of(plan, tmp_path)
    second.trials[key] |= {"name": "better seed=0", "group": "better", "configuration": "better"}
    second.open()
    run = second.client.get_run(first.children[key].run_id)
    assert run.info.run_name == "better seed=0"
    assert run.data.tags["group"] == "better"


def test_a_failed_trial_is_marked_failed_with_its_traceback(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    execution._fail(RuntimeError("something broke"))
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    run = mirror.children[plan.trials[0].key].run_id
    assert mirror.client.get_run(run).info.status == "FAILED"
    assert "error-attempt-1.txt" in {entry.path for entry in mirror.client.list_artifacts(run)}


def test_an_outage_is_outlasted_and_everything_arrives(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    thread = MirrorThread(mirror_of(plan, tmp_path), interval=0.01)
    thread.mirror.open()
    send, calls = RunWriter.add_points, []

    def failing_twice(self: RunWriter, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) <= 2:
            raise ConnectionError("no answer")
        send(self, *arguments)

    monkeypatch.setattr(RunWriter, "add_points", failing_twice)
    assert not thread.try_sync()
    assert thread.error == "no answer"
    thread.start()
    assert thread.send_rest()
    assert thread.error is None
    key = plan.trials[0].key
    assert points(thread.mirror, key) == rows(plan, key) + ended(plan, key)


def test_a_store_that_cannot_be_opened_is_a_users_mistake(tiny_plan: MakePlan, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be read as one" * 10)
    with pytest.raises(UserError, match=r"mlflow\.db cannot be used"):
        mirror_of(tiny_plan(), tmp_path).open()


def test_a_run_says_its_data_its_parent_and_its_verdict(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    mirror.end_parent_run(RunStatus.FINISHED, "Yes, it is.", None)
    parent = mirror.client.get_run(mirror.parent_run_id)
    assert parent.data.tags["mlflow.note.content"] == "**Is it small?**\n\nYes, it is."
    run = mirror.client.get_run(mirror.children[plan.trials[0].key].run_id)
    tags = run.data.tags
    assert tags["mlflow.parentRunId"] == mirror.parent_run_id
    assert (tags["group"], tags["configuration"], tags["seed"]) == ("dcgan", "dcgan smoothing=0", "0")
    assert tags["mlflow.note.content"].startswith(f"**{tags['verdict']}**: ")
    data = run.inputs.dataset_inputs[0].dataset
    assert (data.name, data.digest) == ("digits", plan.trials[0].fingerprint)
    assert json.loads(data.profile)["num_rows"] == 1541


def test_the_parent_has_shares_of_verdicts_and_the_best_distance_and_they_are_sent_once(
    tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    records = [stable_trial(plan, planned).record() for planned in plan.trials[:3]]
    records[0].status, records[0].verdict, records[0].best = TrialStatus.FAILED, None, {}
    plan.folder.trial(records[0].key).write_record(records[0])
    mirror = synced_mirror(plan, tmp_path)
    mirror.end_parent_run(RunStatus.FINISHED, "Yes, it is.", None)
    distance = metric_names.frechet(records[1].evaluator["id"])
    metrics = mirror.client.get_run(mirror.parent_run_id).data.metrics
    assert metrics == {
        "share/stable": pytest.approx(2 / 3),
        "share/failed": pytest.approx(1 / 3),
        **dict.fromkeys((f"share/{name}" for name in VERDICTS if name != "stable"), 0.0),
        metric_names.best(distance): min(record.best[distance] for record in records[1:]),
    }
    mirror.end_parent_run(RunStatus.FINISHED, "Yes, it is.", None)
    assert len(mirror.client.get_metric_history(mirror.parent_run_id, "share/stable")) == 1
    records[0].status = TrialStatus.INTERRUPTED
    plan.folder.trial(records[0].key).write_record(records[0])
    mirror.end_parent_run(RunStatus.FINISHED, "Yes, it is.", None)
    assert mirror.client.get_run(mirror.parent_run_id).data.metrics["share/stable"] == 1.0


def test_parameters_sort_as_numbers_do() -> None:
    values = [1e-05, 2e-4, 0.001, 0.05, 0.5]
    trial = {"factors": {}, "seed": 0}
    texts = [
        run_content.parameters(trial, {"optimizer.generator.lr": value})["optimizer.generator.lr"] for value in values
    ]
    assert texts == sorted(texts)
    assert [float(text) for text in texts] == values


def test_a_round_looks_only_at_trials_that_have_begun(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    finished_trial(plan, plan.trials[2])
    looked, real = list[str](), TrialFolder.record

    def record(self: TrialFolder) -> Record:
        looked.append(self.key)
        return real(self)

    monkeypatch.setattr(TrialFolder, "record", record)
    progress = list[int]()
    mirror.sync(progress.append)
    assert set(looked) == {plan.trials[2].key}
    assert progress == [1, 2, 3, 4]


def test_the_runs_of_a_round_are_remembered_together(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    for planned in plan.trials[:3]:
        finished_trial(plan, planned)
    written, real = list[Path](), json_files.write_json

    def write_json(path: Path, value: Any) -> None:
        written.append(path)
        real(path, value)

    monkeypatch.setattr("orchestrator.tracking.mirror_file.write_json", write_json)
    mirror.sync()
    assert written == [plan.folder.mirror_file]
    assert mirror_file.run_ids(plan.folder) == {key: child.run_id for key, child in mirror.children.items()}
    mirror.sync()
    assert written == [plan.folder.mirror_file]


def test_a_new_run_is_made_without_a_search_for_one(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    for planned in plan.trials[:2]:
        finished_trial(plan, planned)
    monkeypatch.setattr(mirror.experiment, "find_run", lambda tags: pytest.fail(f"searched for {tags}"))
    mirror.sync()
    assert mirror.children.keys() == {planned.key for planned in plan.trials[:2]}


def test_a_trial_that_joins_again_goes_on_in_the_run_that_it_had(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    joining = plan.trials[0].key
    finished_trial(plan, plan.trials[0])
    had = synced_mirror(plan, tmp_path).children[joining].run_id
    document = plan.to_document()
    mirror = mirror_of(plan, tmp_path)
    mirror.set_document({**document, "trials": document["trials"][1:]})
    mirror.sync()
    assert joining not in mirror.children
    mirror.set_document(document)
    mirror.sync()
    assert mirror.children[joining].run_id == had
    assert mirror.sent["runs"] == 0


def test_a_run_that_was_made_is_remembered_though_another_trial_cannot_be_sent(
    tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    for planned in plan.trials[:2]:
        finished_trial(plan, planned)
    plan.folder.trial(plan.trials[1].key).history_file.write_text("cut off")
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    with pytest.raises(UserError, match="damaged"):
        mirror.sync()
    assert plan.trials[0].key in mirror_file.run_ids(plan.folder)


def test_the_best_of_an_interrupted_trial_is_a_point_only_once_it_has_ended(
    tiny_plan: MakePlan, tmp_path: Path
) -> None:
    """What is best until then may not stay so, and MLflow takes no point back."""
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = run_some_steps(plan, plan.trials[0], 6)
    execution.suspend()
    assert execution.record.best
    mirror = synced_mirror(plan, tmp_path)

    def sent() -> list[str]:
        points = stored_points(tmp_path / "mlflow.db", mirror.children[key].run_id)
        return [name for name, *_ in points if name.startswith("best_")]

    assert sent() == []
    run_to_end(plan, plan.trials[0])
    mirror.sync()
    assert len(sent()) == 1


def test_a_trial_that_a_worker_of_another_node_has_is_running_though_no_lock_here_says_so(
    tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    run_some_steps(plan, plan.trials[0], 5).abandon()  # as a copy of it looks: running, and nobody holds its lock
    mirror = mirror_of(plan, tmp_path)
    mirror.is_running = lambda other: other == key
    mirror.open()
    for status in (RunStatus.RUNNING, RunStatus.KILLED):
        mirror.sync()
        assert mirror.client.get_run(mirror.children[key].run_id).info.status == status
        mirror.is_running = lambda other: False
