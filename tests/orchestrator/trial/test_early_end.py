"""`stop_early`: a trial of which no more can be hoped for ends; one in ten runs on; without it all go on to the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.histories import REPEATS, evaluation
from support.tiny import TINY, execution_of, run_some_steps, run_to_end

from gan_core import checkpoint
from gan_core.history import Row
from gan_core.training.trainer import Trainer
from gan_core.verdict import early_end
from orchestrator.planning.early_ends import set_up_ended, with_ended_going_on
from orchestrator.planning.outcome import member_of
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trainable import TrialTrainable
from orchestrator.scheduling.trial_task import as_config
from orchestrator.scheduling.tune_run import TuneRun
from orchestrator.signals import StopRequest
from orchestrator.sweepfile import loader
from orchestrator.trial import execution as execution_module
from orchestrator.trial.audit import is_audit
from orchestrator.trial.execution import TrialExecution

STEPS = TINY.replace("steps: 8", "steps: 16").replace("every: 4, samples", "every: 2, samples")
LONG = STEPS.replace("checkpoint_every: 4", "checkpoint_every: 5")
MakePlan = Callable[[bool], Plan]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight steps of eight images without variety are long enough, and no trial is an audit."""
    rules = tuple(rule._replace(images=64) for rule in early_end.LOST_RULES)
    monkeypatch.setattr(early_end, "LOST_RULES", rules)
    monkeypatch.setattr(execution_module, "is_audit", lambda key: False)


@pytest.fixture
def collapse(monkeypatch: pytest.MonkeyPatch) -> Callable[[range], None]:
    """Makes up the evaluations: at these steps the samples repeat few images, and at the others they draw."""
    real = Trainer.evaluate

    def at(steps: range) -> None:
        def evaluate(self: Trainer) -> Row:
            assert self.evaluation.evaluator
            state = REPEATS if self.step_count in steps else {}
            frechet = 50.0 if self.step_count else 450.0
            return real(self) | evaluation(self.step_count, frechet, state, self.evaluation.evaluator.id)

        monkeypatch.setattr(Trainer, "evaluate", evaluate)

    return at


@pytest.fixture
def plan_with(tmp_path: Path) -> MakePlan:
    """Plans the sweep with `stop_early` or without it, each time anew."""

    def make(stop_early: bool) -> Plan:
        file = tmp_path / "tiny.yaml"
        file.write_text(LONG + f"stop_early: {str(stop_early).lower()}\n")
        return make_plan(loader.load(file), tmp_path / "home")

    return make


def execution(plan: Plan) -> TrialExecution:
    return execution_of(plan, plan.trials[0])


def test_a_trial_without_variety_for_long_is_ended_and_says_so(
    plan_with: MakePlan, collapse: Callable[[range], None]
) -> None:
    collapse(range(1, 100))
    plan = plan_with(True)
    ended = run_to_end(plan, plan.trials[0])
    record = ended.folder.record()
    assert (record.status, record.step, record.lost_at, record.ended_early) == ("finished", 8, 8, True)
    assert record.verdict and record.verdict["name"] == "collapsed"
    assert record.verdict["reason"].startswith("ended early, at step 8 of 16, after 64 images without")
    assert record.attempts[-1].outcome == "finished" and record.attempts[-1].to_step == 8
    assert ended.folder.generator_file.exists() and ended.folder.best_generator_file.exists()
    assert [step for step, _ in ended.folder.sample_files()] == [0, 2, 4, 6, 8]

    again = plan_with(True)
    assert again.trials[0].state == "finished" and again.trials[0] not in again.unfinished
    assert set_up_ended(again, pytest.fail).trials[0].state == "finished"


def test_it_counts_as_it_was_judged_and_its_survival_is_censored(
    plan_with: MakePlan, collapse: Callable[[range], None]
) -> None:
    collapse(range(1, 100))
    plan = plan_with(True)
    member = member_of(plan.trials[0], run_to_end(plan, plan.trials[0]).folder.record())
    assert member
    assert (member.result.stable, member.result.drew) == (False, False)
    assert (member.result.event, member.result.steps) == (None, 8)


def test_a_trial_that_recovers_in_time_is_not_ended(plan_with: MakePlan, collapse: Callable[[range], None]) -> None:
    collapse(range(3, 9))  # the evaluations at 4, 6 and 8
    plan = plan_with(True)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.lost_at, record.ended_early) == (16, None, False)


def test_without_stop_early_no_trial_is_ended(plan_with: MakePlan, collapse: Callable[[range], None]) -> None:
    collapse(range(1, 100))
    plan = plan_with(False)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.lost_at) == (16, None)
    assert record.verdict and record.verdict["name"] == "collapsed"
    assert "lost_at" not in record.to_json()


def test_the_last_evaluation_ends_nothing_early(plan_with: MakePlan, collapse: Callable[[range], None]) -> None:
    collapse(range(9, 100))  # from the evaluation at 10 on; that at 16 is the fourth
    plan = plan_with(True)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.lost_at, record.ended_early) == (16, None, False)


@pytest.mark.parametrize("died_at", [3, 5, 7])
def test_a_trial_that_was_interrupted_is_ended_at_the_same_step(
    died_at: int, plan_with: MakePlan, collapse: Callable[[range], None]
) -> None:
    collapse(range(1, 100))
    plan = plan_with(True)
    run_some_steps(plan, plan.trials[0], died_at)._leave()  # as if the process had died here
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.lost_at, record.ended_early) == (8, 8, True)


def test_a_trial_whose_process_died_between_its_last_checkpoint_and_its_end_trains_no_further(
    plan_with: MakePlan, collapse: Callable[[range], None]
) -> None:
    collapse(range(1, 100))
    plan = plan_with(True)
    folder = run_to_end(plan, plan.trials[0]).folder
    whole = folder.record()
    before = folder.record().before_its_early_end()
    before.step = 5
    folder.write_record(before)
    resumed = execution(plan)
    resumed.begin()
    record = folder.record()
    assert resumed.done and (record.step, record.lost_at, record.verdict) == (8, 8, whole.verdict)


def test_an_audit_runs_on_and_notes_where_it_would_have_been_ended(
    plan_with: MakePlan, collapse: Callable[[range], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_module, "is_audit", lambda key: True)
    collapse(range(1, 11))
    plan = plan_with(True)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.lost_at, record.ended_early) == (16, 8, False)
    assert record.verdict and record.verdict["name"] != "collapsed"
    assert "ended early" not in record.verdict["reason"]


def test_an_audit_that_was_never_lost_notes_nothing(
    plan_with: MakePlan, collapse: Callable[[range], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_module, "is_audit", lambda key: True)
    collapse(range(0))
    plan = plan_with(True)
    assert run_to_end(plan, plan.trials[0]).folder.record().lost_at is None


def test_a_worker_ends_the_trial_if_its_task_says_so(
    plan_with: MakePlan, collapse: Callable[[range], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.scheduling.trainable.SECONDS_PER_CALL", 600.0)
    collapse(range(1, 100))
    plan = plan_with(True)
    evaluators = {plan.trials[0].evaluation: execution(plan).evaluator}

    class Alone(TrialTrainable):
        def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
            super().setup(config, plan.images, evaluators)

    run = TuneRun(plan, evaluators, Processors(), RunSettings(None, 900.0), 0.25, StopRequest(), lambda report: None)  # type: ignore[arg-type]
    report = Alone(as_config(run._task(plan.trials[0], frozenset()))).step()["report"]
    assert (report.status, report.step, report.verdict, report.ended_early) == ("finished", 8, "collapsed", True)


class Processors:
    """A cluster whose trials take one processor each."""

    def resources(self, gpu_share: float, shares: int) -> dict[str, float]:
        return {"CPU": 1.0}


def test_one_trial_in_ten_is_an_audit_by_its_key_alone() -> None:
    keys = [f"{number:016x}" for number in range(5000)]
    audits = [key for key in keys if is_audit(key)]
    assert 420 < len(audits) < 580
    assert audits == [key for key in keys if is_audit(key)]


def test_without_stop_early_an_ended_trial_is_trained_to_its_end_as_if_it_had_never_been_ended(
    plan_with: MakePlan, collapse: Callable[[range], None]
) -> None:
    collapse(range(1, 100))
    uninterrupted = plan_with(False)
    whole = run_to_end(uninterrupted, uninterrupted.trials[0]).folder
    weights, history = checkpoint.load(whole.checkpoint_file)["generator"], whole.history()
    for file in (whole.record_file, whole.checkpoint_file, whole.history_file):
        file.unlink()
    plan = plan_with(True)
    run_to_end(plan, plan.trials[0])

    without = plan_with(False)
    preview, lines = with_ended_going_on(without)
    assert lines == ["1 trial was ended early, and stop_early is not set now: trained on from there to the last step"]
    assert preview.trials[0].state == "interrupted" and preview.trials[0].remaining == 8
    assert plan_with(False).trials[0].state == "finished", "a preview writes nothing"
    notes: list[str] = []
    going_on = set_up_ended(without, notes.append)
    assert notes == lines
    record = run_to_end(going_on, going_on.trials[0]).folder.record()
    assert (record.step, record.lost_at) == (16, None)
    assert record.verdict and "ended early" not in record.verdict["reason"]
    after = checkpoint.load(whole.checkpoint_file)["generator"]
    assert all(torch.equal(weights[name], after[name]) for name in weights)
    timing = ("time", "speed/images_per_second")
    both = [[{k: v for k, v in row.items() if k not in timing} for row in rows] for rows in (history, whole.history())]
    assert both[0] == both[1]
