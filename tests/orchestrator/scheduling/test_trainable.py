"""What a worker does about a trial that fails: Tune's Trainable, here without Ray."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import execution_of, run_to_end

from gan_core import checkpoint
from gan_core.training.trainer import Progress, Trainer
from orchestrator.planning.plan import Plan
from orchestrator.scheduling.trainable import TrialTrainable
from orchestrator.scheduling.trial_task import TrialTask
from orchestrator.trial.execution import TrialExecution
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

MakePlan = Callable[[], Plan]


@pytest.fixture(autouse=True)
def long_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call trains to the end of the trial or to its failure, however slow the machine is."""
    monkeypatch.setattr("orchestrator.scheduling.trainable.SECONDS_PER_CALL", 600.0)


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """A worker takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def worker_for(plan: Plan) -> TrialTrainable:
    """A worker that was given the first trial."""
    planned = plan.trials[0]
    evaluator = execution_of(plan, planned).evaluator

    class Alone(TrialTrainable):
        def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
            super().setup(config, plan.images, {planned.evaluation: evaluator})

    folder = plan.folder.trial(planned.key).folder
    task = TrialTask(folder, planned.config, planned.fingerprint, planned.evaluation, {"CPU": 1.0})
    return Alone({"task": task})


def failing(monkeypatch: pytest.MonkeyPatch, at_step: int, times: int, error: Exception) -> list[int]:
    """Makes the trainer raise before its step `at_step`, so often; the steps that it then was at."""
    real, failed = Trainer.step, []

    def step(self: Trainer) -> Progress:
        if self.step_count == at_step and len(failed) < times:
            failed.append(self.step_count)
            raise error
        return real(self)

    monkeypatch.setattr(Trainer, "step", step)
    return failed


def train(worker: TrialTrainable) -> TrialReport:
    """One call of Tune."""
    result = worker.train()
    report = result["report"]
    assert isinstance(report, TrialReport)
    assert result["done"] == report.is_done
    return report


def reports_of(worker: TrialTrainable) -> list[TrialReport]:
    """What it reports up to the end of its trial."""
    reports = [train(worker)]
    while not reports[-1].is_done:
        reports.append(train(worker))
    return reports


def test_an_exception_is_met_once_from_the_checkpoint_and_ends_as_if_nothing_had_happened(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    whole = run_to_end(plan, plan.trials[0])
    weights = checkpoint.load(whole.folder.generator_file)["state"]
    history = [row["step"] for row in whole.folder.history()]
    for file in (whole.folder.record_file, whole.folder.checkpoint_file, whole.folder.history_file):
        file.unlink()
    failing(monkeypatch, at_step=5, times=1, error=KeyError("loss"))
    reports = reports_of(worker_for(plan))
    assert [(report.event, report.error) for report in reports[:-1]] == [(TrialEvent.RETRIED, "KeyError: 'loss'")]
    record = whole.folder.record()
    assert record.status == "finished"
    assert record.error is None
    assert [(a.outcome, a.from_step, a.to_step) for a in record.attempts] == [
        ("exception", 0, 5),
        ("finished", 4, 8),
    ]
    assert record.attempts[0].message == "KeyError: 'loss'"
    resumed = checkpoint.load(whole.folder.generator_file)["state"]
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)
    assert [row["step"] for row in whole.folder.history()] == history


def test_the_same_exception_again_fails_the_trial_with_its_traceback(
    tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    failed = failing(monkeypatch, at_step=5, times=9, error=KeyError("loss"))
    reports = reports_of(worker_for(plan))
    assert failed == [5, 5]
    assert [report.event or report.status for report in reports] == ["retried", "failed"]
    assert reports[-1].cause == "exception"
    record = plan.folder.trial(plan.trials[0].key).record()
    assert record.status == "failed"
    assert (record.error or "").startswith("Traceback")
    assert [attempt.outcome for attempt in record.attempts] == ["exception", "exception"]


@pytest.mark.parametrize(
    ("error", "status", "cause"),
    [
        (MemoryError("no memory"), "failed", "out of memory"),
        (OSError(28, "No space left"), "interrupted", "disk full"),
    ],
)
def test_what_would_fail_here_again_is_not_tried_here_again(
    tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, error: Exception, status: str, cause: str
) -> None:
    plan = tiny_plan()
    failed = failing(monkeypatch, at_step=5, times=9, error=error)
    (report,) = reports_of(worker_for(plan))
    assert failed == [5]
    assert report.status == status
    assert bool(report.stop_reason) == (cause == "disk full")
    assert plan.folder.trial(plan.trials[0].key).record().attempts[-1].outcome == cause


@pytest.fixture
def forgotten(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrialTrainable]:
    """A worker in the middle of its trial that was not called for as long as it waits."""
    real = TrialExecution.advance
    monkeypatch.setattr("orchestrator.scheduling.trainable.SECONDS_WITHOUT_CALL", 0.1)

    def advance(self: TrialExecution, seconds: float, should_stop: Callable[[], bool]) -> None:
        real(self, seconds, should_stop=lambda: self.step >= 5)  # checkpoints are at the even steps

    monkeypatch.setattr(TrialExecution, "advance", advance)
    worker = worker_for(tiny_plan())
    assert train(worker).step == 5
    held = worker.execution
    monkeypatch.undo()
    deadline = time.monotonic() + 60
    while worker.execution is not None:
        assert time.monotonic() < deadline, "it still holds its trial"
        time.sleep(0.05)
    yield worker
    assert held  # so that its lock was given back, and not just cleared away


def test_a_worker_that_is_called_no_more_lets_another_one_go_on(forgotten: TrialTrainable, tiny_plan: MakePlan) -> None:
    """It is cut off: Ray ends it minutes after its trial has begun elsewhere."""
    plan = tiny_plan()
    folder = plan.folder.trial(plan.trials[0].key)
    assert folder.record().step == 4  # of what came after the checkpoint nothing was written
    other = worker_for(plan)
    other.task = replace(other.task, lost="health check failed")
    assert reports_of(other)[-1].status == "finished"
    assert [(a.outcome, a.from_step) for a in folder.record().attempts] == [("lost", 0), ("finished", 4)]
    assert folder.record().attempts[0].message == "health check failed"


def test_a_worker_that_is_called_after_all_goes_on_from_the_checkpoint(
    forgotten: TrialTrainable, tiny_plan: MakePlan
) -> None:
    assert reports_of(forgotten)[-1].status == "finished"
    record = tiny_plan().folder.trial(forgotten.task.key).record()
    assert [(a.outcome, a.from_step) for a in record.attempts] == [("lost", 0), ("finished", 4)]
    assert "no call from the command" in record.attempts[0].message


def test_sigterm_saves_the_trial_at_the_next_step(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tiny_plan()
    real = Trainer.step

    def step(self: Trainer) -> Progress:
        done = real(self)
        if self.step_count == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return done

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(TypeError, match="non-actor"):  # here it is none: in a worker of Ray this ends the process
        worker_for(plan).train()
    record = plan.folder.trial(plan.trials[0].key).record()
    assert (record.status, record.step) == ("interrupted", 5)
    assert record.attempts[-1].outcome == "preempted"
    monkeypatch.undo()
    assert reports_of(worker_for(tiny_plan()))[-1].status == "finished"


def test_sigterm_ends_a_worker_that_has_no_trial(tiny_plan: MakePlan) -> None:
    worker_for(tiny_plan())
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)
