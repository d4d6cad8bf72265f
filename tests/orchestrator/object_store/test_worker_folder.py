"""Trials that live in an object store: what nodes push and pull, and what is left where that ends half-way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.s3_server import S3
from support.tiny import execution_of, finished_trial

from gan_core import checkpoint
from orchestrator.object_store import attempts, puller, worker_folder
from orchestrator.object_store.attempts import Superseded
from orchestrator.object_store.home_copy import StoredSweep
from orchestrator.object_store.s3 import ObjectStore
from orchestrator.object_store.worker_folder import fetch_trial
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.repair import repair_finished_trials
from orchestrator.scheduling.failed_trials import give_up
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Cause
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

MakePlan = Callable[[], Plan]


@pytest.fixture
def object_store(s3: S3, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    monkeypatch.setattr(worker_folder, "RETRY_SECONDS", 0.0)
    s3.make_bucket("trials")
    store = ObjectStore(s3.uri("trials/runs"))
    store.delete_below("sweeps")
    store.delete_below("evaluators")
    return store


class Nodes:
    """Executions of a plan's first trial, each in a folder of its own."""

    def __init__(self, plan: Plan, object_store: ObjectStore, scratch: Path):
        self.plan, self.planned = plan, plan.trials[0]
        self.object_store, self.scratch = object_store, scratch
        self.count = 0

    def execution(self) -> TrialExecution:
        self.count += 1
        folder = self.plan.folder.trial(self.planned.key).folder
        copy = fetch_trial(folder, self.object_store.uri, self.scratch / str(self.count))
        local = execution_of(self.plan, self.planned)
        return TrialExecution(copy, local.config, local.images, local.evaluator)

    def after(self, steps: int) -> TrialExecution:
        execution = self.execution()
        execution.begin()
        take(execution, steps)
        return execution

    def to_end(self) -> TrialExecution:
        execution = self.execution()
        execution.begin()
        execution.advance()
        return execution


def take(execution: TrialExecution, steps: int) -> None:
    for _ in range(steps):
        execution._take_step()


@pytest.fixture
def nodes(tiny_plan: MakePlan, object_store: ObjectStore, tmp_path: Path) -> Nodes:
    return Nodes(tiny_plan(), object_store, tmp_path / "nodes")


@pytest.fixture
def whole(tiny_plan: MakePlan) -> TrialFolder:
    """The first trial, trained without a storage and without a break."""
    plan = tiny_plan()
    return finished_trial(plan, plan.trials[0])


def stored_sweep(nodes: Nodes) -> StoredSweep:
    """The sweep of a home that is empty."""
    return StoredSweep(nodes.scratch / "home", nodes.plan.sweep.name, nodes.object_store)


def curves(folder: TrialFolder) -> list[dict[str, float]]:
    timed = ("time", "speed/images_per_second")
    return [{name: value for name, value in row.items() if name not in timed} for row in folder.history()]


def assert_same_end(folder: TrialFolder, whole: TrialFolder) -> None:
    record = folder.record()
    assert (record.status, record.step) == ("finished", 8)
    weights, expected = (checkpoint.load(each.generator_file)["state"] for each in (folder, whole))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert curves(folder) == curves(whole)


def test_a_finished_trial_is_found_whole_by_another_home_which_needs_no_checkpoint(
    nodes: Nodes, whole: TrialFolder
) -> None:
    ended = nodes.to_end()
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    assert copy.pull()
    assert_same_end(copy, whole)
    assert copy.sample_files() and not copy.checkpoint_file.exists()
    for name in attempts.trial_files(ended.folder.folder):
        if name not in attempts.CHECKPOINTS:
            assert (copy.folder / name).read_bytes() == (ended.folder.folder / name).read_bytes()
    assert copy.has_checkpoint()
    assert not list(copy.folder.rglob("*.tmp"))


def test_a_trial_goes_on_on_another_node_and_ends_as_if_it_had_not_moved(nodes: Nodes, whole: TrialFolder) -> None:
    nodes.after(5)  # and its node is gone, with what came after the checkpoint at step 4
    ended = nodes.to_end()
    assert [attempt.from_step for attempt in ended.record.attempts] == [0, 4]
    assert_same_end(ended.folder, whole)


@pytest.mark.parametrize("requests", range(5))  # asked first, then a copy, three uploads
def test_a_push_that_ends_half_way_leaves_what_a_trial_can_go_on_from(
    nodes: Nodes, whole: TrialFolder, s3: S3, requests: int
) -> None:
    first = nodes.after(7)
    s3.allow(requests)
    with pytest.raises(OSError, match="AWS Error"):
        first.suspend()
    s3.allow(float("inf"))
    ended = nodes.to_end()
    assert ended.record.attempts[-1].from_step in (4, 7)
    assert ended.record.attempts[-1].note is None
    assert_same_end(ended.folder, whole)


def test_a_worker_that_was_cut_off_is_refused_and_changes_nothing(nodes: Nodes, whole: TrialFolder) -> None:
    cut_off = nodes.after(5)
    successor = nodes.after(1)
    before = nodes.object_store.objects(successor.folder.prefix)  # type: ignore[attr-defined]
    with pytest.raises(Superseded):
        take(cut_off, 3)  # its last step is to end the trial
    assert nodes.object_store.objects(successor.folder.prefix) == before  # type: ignore[attr-defined]
    successor.advance()
    assert_same_end(successor.folder, whole)
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    copy.pull()
    assert len(copy.record().attempts) == 2


def test_what_a_cut_off_worker_writes_too_late_to_be_refused_is_not_read(nodes: Nodes, whole: TrialFolder) -> None:
    cut_off = nodes.after(3)
    children = nodes.object_store.children

    def before_the_successor(prefix: str) -> list[str]:
        names = children(prefix)
        if not begun:
            begun.append(nodes.after(1))
        return names

    begun: list[TrialExecution] = []
    cut_off.folder.object_store.children = before_the_successor  # type: ignore[attr-defined]
    take(cut_off, 1)  # a checkpoint
    (successor,) = begun
    assert {name[:6] for name in children(successor.folder.prefix)} == {"000001", "000002"}  # type: ignore[attr-defined]
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    copy.pull()
    assert (copy.record().step, len(copy.record().attempts)) == (0, 2)
    successor.advance()
    assert_same_end(successor.folder, whole)
    assert {name[:6] for name in children(successor.folder.prefix)} == {"000002"}  # type: ignore[attr-defined]


def test_what_a_cut_off_worker_writes_while_its_successor_begins_is_not_mixed_with_what_that_has_read(
    nodes: Nodes, whole: TrialFolder
) -> None:
    cut_off = nodes.after(5)
    successor = nodes.execution()  # it has read
    take(cut_off, 3)
    successor.begin()
    prefix = f"{successor.folder.prefix}/{successor.folder.attempt}"  # type: ignore[attr-defined]
    for name in attempts.trial_files(successor.folder.folder):
        assert nodes.object_store.read(f"{prefix}/{name}") == (successor.folder.folder / name).read_bytes()
    assert set(nodes.object_store.objects(prefix)) == set(attempts.trial_files(successor.folder.folder))
    assert successor.step == 4
    successor.advance()
    assert_same_end(successor.folder, whole)


def test_a_storage_that_is_away_does_not_stop_training(nodes: Nodes, whole: TrialFolder, s3: S3) -> None:
    execution = nodes.after(3)
    s3.allow(0)
    take(execution, 1)
    assert "the object store is out of date: access denied" in worker_folder.sync_error_of(execution.folder)
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    s3.allow(float("inf"))
    copy.pull()
    assert copy.record().step == 0
    execution.advance()
    assert worker_folder.sync_error_of(execution.folder) == ""
    copy.pull()
    assert_same_end(copy, whole)


def test_a_trial_does_not_begin_anew_because_the_storage_is_away(nodes: Nodes, s3: S3) -> None:
    nodes.after(5)
    s3.allow(0)
    with pytest.raises(OSError, match="AWS Error"):
        nodes.execution()


def test_only_the_last_attempt_is_kept_and_an_ended_one_without_its_checkpoint_before(nodes: Nodes) -> None:
    nodes.after(5)
    nodes.after(1)
    ended = nodes.to_end()
    assert [name[:6] for name in nodes.object_store.children(ended.folder.prefix)] == ["000003"]  # type: ignore[attr-defined]
    names = {name.partition("/")[2] for name in nodes.object_store.objects(ended.folder.prefix)}  # type: ignore[attr-defined]
    assert names == set(attempts.trial_files(ended.folder.folder))
    assert "checkpoint-previous.pt" not in names


def test_a_damaged_checkpoint_in_the_storage_is_no_end(nodes: Nodes, whole: TrialFolder) -> None:
    first = nodes.after(7)
    first.suspend()
    prefix = f"{first.folder.prefix}/{first.folder.attempt}"  # type: ignore[attr-defined]
    nodes.object_store.write(f"{prefix}/checkpoint.pt", b"no checkpoint")
    ended = nodes.to_end()
    assert ended.record.attempts[-1].note == "checkpoint.pt was damaged; went on from step 4"
    assert_same_end(ended.folder, whole)


@pytest.mark.parametrize(
    "name", ["../x", "lock", "samples/../../x", "samples/step-000001.png/x", "/etc/passwd", "record.json.py", ""]
)
def test_nothing_is_written_where_a_strange_name_says(name: str) -> None:
    assert not attempts.is_trial_file(name)


def test_what_the_command_says_of_a_trial_that_its_workers_could_not_end_is_stored_too(nodes: Nodes) -> None:
    nodes.after(5)
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    copy.pull()
    give_up(copy, Cause.LOST_WORKER, "its worker was lost 6 times")
    other = StoredSweep(nodes.scratch / "other", nodes.plan.sweep.name, nodes.object_store).trial(nodes.planned.key)
    other.pull()
    assert (other.record().status, other.record().error) == ("failed", "its worker was lost 6 times")
    assert nodes.execution().record.step == 4


def exchanged(nodes: Nodes, home: Path) -> tuple[Plan, list[str]]:
    """A plan of that home with what the object store knows, and the notes that were shown."""
    notes: list[str] = []
    plan = make_plan(loader.load(Path(nodes.plan.sweep.file)), home)
    return puller.exchange_trials(StoredSweep(home, plan.sweep.name, nodes.object_store), plan, notes.append), notes


def test_an_empty_home_finds_what_was_trained(nodes: Nodes, tmp_path: Path) -> None:
    nodes.to_end()
    nodes.planned = nodes.plan.trials[1]
    nodes.after(5)
    plan, notes = exchanged(nodes, tmp_path / "fresh")
    assert [planned.state for planned in plan.trials] == ["finished", "interrupted", "pending", "pending"]
    assert plan.trials[1].record.step == 4
    assert notes == [f"found 2 trials of tiny in {nodes.object_store.uri}"]


def test_what_only_the_home_has_goes_on_from_there_in_the_storage(
    nodes: Nodes, whole: TrialFolder, tiny_plan: MakePlan, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    file = nodes.plan.folder.trial(nodes.planned.key)
    assert file.folder == whole.folder  # trained there
    exchanged(nodes, home)
    copy = stored_sweep(nodes).trial(nodes.planned.key)
    assert copy.pull()
    assert_same_end(copy, whole)
    assert copy.has_checkpoint()


def test_a_damaged_copy_is_copied_again(nodes: Nodes, whole: TrialFolder, tmp_path: Path) -> None:
    nodes.to_end()
    plan, _ = exchanged(nodes, tmp_path / "fresh")
    copy = plan.folder.trial(nodes.planned.key)
    for file in (copy.history_file, copy.generator_file):
        when = file.stat().st_mtime_ns
        file.write_bytes(b"x" * file.stat().st_size)
        os.utime(file, ns=(when, when))
    plan, _ = exchanged(nodes, tmp_path / "fresh")
    assert_same_end(copy, whole)
    assert [planned.state for planned in repair_finished_trials(plan, pytest.fail).trials] == [
        "finished",
        "pending",
        "pending",
        "pending",
    ]


def test_a_damaged_object_is_made_again_from_the_stored_checkpoint(
    nodes: Nodes, whole: TrialFolder, tmp_path: Path
) -> None:
    ended = nodes.to_end()
    prefix = f"{ended.folder.prefix}/{ended.folder.attempt}"  # type: ignore[attr-defined]
    nodes.object_store.write(f"{prefix}/generator.pt", b"no generator")
    plan, _ = exchanged(nodes, tmp_path / "fresh")
    notes: list[str] = []
    plan = repair_finished_trials(plan, notes.append)
    assert plan.trials[0].state == "interrupted"
    assert notes[0].endswith("generator.pt is damaged or gone; made again from the checkpoint at step 8")
    assert_same_end(nodes.to_end().folder, whole)


def report_of(execution: TrialExecution) -> TrialReport:
    record = execution.record
    saved = (len(record.attempts), record.step, record.status)
    return TrialReport(record.key, record.status, is_done=execution.done, saved=saved)


def test_the_home_follows_what_workers_report(nodes: Nodes, whole: TrialFolder, s3: S3) -> None:
    sweep, notes = stored_sweep(nodes), list[str]()
    key, copy = nodes.planned.key, sweep.trial(nodes.planned.key)
    sweep_puller = puller.Puller(sweep, notes.append)  # its thread is not started: a test that waits is slow or flaky
    execution = nodes.after(5)
    assert not sweep_puller.is_running(key)
    sweep_puller.on_report(report_of(execution))
    sweep_puller.catch_up(set())
    assert sweep_puller.is_running(key)
    assert copy.record().step == 4
    assert not copy.best_generator_file.exists()  # nobody needs it yet

    sweep_puller.on_report(TrialReport(key, event=TrialEvent.WORKER_LOST, error="gone"))
    assert not sweep_puller.is_running(key)
    sweep_puller.on_report(report_of(execution))
    s3.allow(0)
    for _ in range(2):
        sweep_puller.catch_up(set())
    assert len(notes) == 1
    assert "access denied" in notes[0]
    s3.allow(float("inf"))
    execution.advance()
    sweep_puller.on_report(report_of(execution))
    sweep_puller.catch_up(set())
    assert not sweep_puller.is_running(key)
    assert_same_end(copy, whole)
    assert copy.best_generator_file.exists()


def test_nothing_is_asked_of_the_storage_where_nothing_was_saved(nodes: Nodes, s3: S3) -> None:
    sweep, notes = stored_sweep(nodes), list[str]()
    sweep_puller = puller.Puller(sweep, notes.append)
    execution = nodes.after(5)
    sweep_puller.on_report(report_of(execution))
    sweep_puller.catch_up(set())
    s3.allow(0)
    sweep_puller.on_report(report_of(execution))
    sweep_puller.on_report(TrialReport(nodes.planned.key, event=TrialEvent.SILENT, silent_seconds=3.0))
    sweep_puller.catch_up(set())
    assert notes == []
    assert sweep_puller.is_running(nodes.planned.key)


def test_the_classifier_that_measured_a_trial_goes_with_it(nodes: Nodes, tmp_path: Path) -> None:
    """On another processor another one might be trained, and nothing could go on."""
    name = f"{nodes.planned.fingerprint}.pt"
    first, second = (tmp_path / home / "evaluators" / name for home in ("one", "two"))
    first.parent.mkdir(parents=True)
    first.write_bytes(b"weights")
    exchanged(nodes, tmp_path / "one")
    exchanged(nodes, tmp_path / "two")
    assert second.read_bytes() == b"weights"
    second.write_bytes(b"others")
    exchanged(nodes, tmp_path / "two")
    assert nodes.object_store.read(f"evaluators/{name}") == b"weights"
