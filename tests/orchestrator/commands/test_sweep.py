"""The end of a sweep: what becomes of its report and of its best generator."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from unittest.mock import MagicMock

import pytest
from mlflow import MlflowClient
from rich.console import Console
from support.mirrors import mirror_of, synced_mirror
from support.tiny import TINY, stable_trial
from support.until_answered import UNTIL, end_well, fail, plan_of, write

import orchestrator as orch
from orchestrator.commands import queued_training, sweep, sweep_options, sweep_preparation
from orchestrator.commands.finalize import FinalResult, finalize
from orchestrator.commands.status import print_sweep
from orchestrator.commands.sweep_services import open_mirror
from orchestrator.commands.sweep_summary import SweepResult, print_summary
from orchestrator.console import progress
from orchestrator.notifications.notifier import Notifier
from orchestrator.planning.adaptive_queue import AdaptiveQueue
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.signals import INTERRUPTED, SOME_FAILED, StopRequest
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.record import Attempt, Record
from orchestrator.store.sweep_lock import hold
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror_thread import MirrorThread


@pytest.mark.usefixtures("without_pictures")
def test_an_outage_while_the_model_is_sent_loses_neither_the_report_nor_the_exit_code(
    tiny_plan: Callable[[], Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for planned in tiny_plan().trials:
        stable_trial(tiny_plan(), planned)
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    thread = MirrorThread(mirror)
    assert thread.try_sync()

    def lose(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(MlflowClient, "create_logged_model", lose)
    options = sweep_options.SweepOptions(tmp_path / "home", mirror.uri, register="digits")
    with progress.make_display(Console()) as display:
        exit_code = sweep._exit_code(plan, StopRequest())
        final = sweep._finalize(plan, options, thread, display, exit_code)
    assert exit_code == 0
    assert final.report is not None and final.report.exists()
    assert final.model is None
    assert final.model_error is not None and "no answer" in final.model_error
    assert mirror.client.get_run(mirror.parent_run_id).info.status == "FINISHED"


def delete(file: Path) -> None:
    file.unlink()


def edit(file: Path) -> None:
    file.write_text(TINY.replace("steps: 8", "steps: 80"))


@pytest.mark.parametrize("change", [edit, delete])
def test_a_sweep_file_that_changes_after_it_was_read_does_not_matter(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "tiny.yaml"
    content = ("# caf\u00e9\r\n" + TINY).encode()
    file.write_bytes(content)
    sweep_read = loader.load(file)
    change(file)
    plan = make_plan(sweep_read, tmp_path / "home")
    uri = mirror_of(plan, tmp_path).uri
    options = sweep_options.SweepOptions(tmp_path / "home", uri)
    with progress.make_display(Console()) as display:
        mirror = open_mirror(plan, options, display, None)
    assert plan.folder.source_file.read_bytes() == content
    sent = mirror.client.download_artifacts(mirror.parent_run_id, "sweep.yaml", str(tmp_path))
    assert Path(sent).read_bytes() == content
    assert {trial.config.steps for trial in plan.sweep.trials} == {8}


class Runner:
    """Trains by writing records. `trained`: of all runners."""

    trained: ClassVar[list[PlannedTrial]] = []

    def __init__(self, *_: object) -> None:
        pass

    def train(self, plan: Plan, queue: AdaptiveQueue | None = None) -> None:
        for planned in iter(lambda: queue.peek(1), None) if queue else plan.unfinished:
            if queue:
                queue.give(planned)
            end_well(plan, planned)
            self.trained.append(planned)
            if queue:
                queue.take_back(planned.key)

    def summary(self) -> str:
        return ""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[SweepResult, str]]:
    """Runs a sweep without Ray and MLflow; (its result, what it says at the end)."""
    monkeypatch.setattr(sweep, "sweep_services", MagicMock())
    monkeypatch.setattr(sweep, "MirrorThread", MagicMock())
    monkeypatch.setattr(sweep, "SweepRunner", Runner)
    monkeypatch.setattr(sweep, "_finalize", lambda *_: FinalResult())
    monkeypatch.setattr(Runner, "trained", [])

    def run(plan: Plan, confirm: int = 0) -> tuple[SweepResult, str]:
        options = sweep_options.SweepOptions(tmp_path / "home", "http://127.0.0.1:1", confirm=confirm)
        output = io.StringIO()
        with progress.make_display(Console(file=io.StringIO())) as display, hold(plan.folder):
            complete = sweep_preparation.complete_plan(plan, plan.folder, options, display)
            result = sweep._train_and_record(complete, options, display, Notifier([], print))
        plan.folder.mirror_file.write_text("{}")
        monkeypatch.setattr("orchestrator.tracking.mirror_file.experiment_id", lambda folder: "1")
        print_summary(options, Console(file=output, width=200), result)
        return result, output.getvalue()

    return run


def test_an_answered_sweep_is_confirmed_by_a_later_command_and_stays_so(
    run: Callable[..., tuple[SweepResult, str]], tmp_path: Path
) -> None:
    answered, _ = run(plan_of(tmp_path))
    assert answered.exit_code == 0 and answered.plan.answer and answered.plan.answer["end"] == "answered"
    Runner.trained.clear()
    for _ in range(2):
        confirmed, _ = run(plan_of(tmp_path), 1)
        assert confirmed.exit_code == 0
        assert [planned.trial.seed for planned in Runner.trained] == [8, 9, 10], "once"
        in_document = [trial["seed"] for trial in confirmed.plan.earlier_trials() if trial["confirms"]]
        assert in_document == [8, 9, 10]


def test_a_budget_that_is_spent_before_any_trial_ended_is_said_in_one_line(
    run: Callable[..., tuple[SweepResult, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("until: answered\n", "until: answered\nbudget: 1m\n"))
    queue = queued_training.queue_of(plan)
    assert queue
    queue.give(plan.trials[0])
    plan.folder.folder.mkdir(parents=True)
    write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    attempt = Attempt(0, 0, ended=60_000, outcome="interrupted")
    write(plan, Record(plan.trials[0].key, TrialStatus.INTERRUPTED, 4, seconds=60.0, attempts=[attempt]))
    result, said = run(plan_of(tmp_path, plan.sweep.text))
    assert result.exit_code == INTERRUPTED and not Runner.trained
    line = "the budget was spent before any trial ended; the same command with a larger budget goes on from here"
    assert line in said.splitlines()
    assert "failed" not in said and "trials left" not in said
    monkeypatch.setattr(sweep, "run_sweep", lambda *_: result)
    with pytest.raises(KeyboardInterrupt, match=line):
        orch.sweep(plan.sweep.file, home=plan.folder.home)
    assert plan.trials[0].key in [trial["key"] for trial in result.plan.earlier_trials()]
    output = io.StringIO()
    print_sweep(plan.folder.home, "tiny", Console(file=output, width=200), as_json=False)
    assert "interrupted" in output.getvalue() and "with a larger budget, goes on with it" in output.getvalue()


def test_failed_trials_of_a_sweep_whose_budget_was_spent_need_a_larger_one(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("until: answered\n", "until: answered\nbudget: {worker_hours: 0.1}\n"))
    fail(plan, plan.trials[0])
    end_well(plan, plan.trials[1])
    queue = queued_training.queue_of(plan.with_current_records())
    assert queue
    queue.budget.add_training(360)
    ended = queue.plan_so_far()
    failed = replace(ended, trials=[*ended.trials, plan.with_current_records().trials[0]])
    code, options = (
        sweep._exit_code(failed, StopRequest()),
        sweep_options.SweepOptions(tmp_path / "home", "sqlite:///x"),
    )
    output = io.StringIO()
    print_summary(options, Console(file=output, width=200), SweepResult(failed, code, FinalResult()))
    assert code == SOME_FAILED
    assert "some trials failed; the same command with a larger budget tries them again" in output.getvalue()


@pytest.mark.usefixtures("without_pictures")
def test_nothing_is_registered_where_no_run_is_stable_and_a_line_says_so(
    tiny_plan: Callable[[], Plan], tmp_path: Path
) -> None:
    plan = tiny_plan()
    for planned in plan.trials:
        folder = stable_trial(plan, planned)
        record = folder.record()
        record.verdict = {"name": "collapsed", "since": 4, "reason": "why", "evidence": {}}
        folder.write_record(record)
    plan = tiny_plan()
    mirror = synced_mirror(plan, tmp_path)
    options = sweep_options.SweepOptions(tmp_path / "home", mirror.uri, register="digits")
    final = finalize(mirror, RunStatus.FINISHED, lambda phase: None, options.register)
    assert (final.model, final.model_error, final.no_best) == (None, None, "no run is stable")
    assert not mirror.client.search_registered_models()
    output = io.StringIO()
    print_summary(options, Console(file=output, width=200), SweepResult(plan, 0, final))
    assert "no model: no run is stable" in output.getvalue()
