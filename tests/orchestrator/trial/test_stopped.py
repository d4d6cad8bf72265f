"""A trial that a schedule has stopped: how it ends, what it counts as, and that nothing revives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny import TINY, execution_of, run_to_end

from gan_core import metric_names
from orchestrator.planning.early_ends import set_up_ended
from orchestrator.planning.outcome import member_of
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.reuse import finished_elsewhere
from orchestrator.scheduling.asha import AshaSchedule
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trainable import TrialTrainable
from orchestrator.scheduling.trial_task import as_config
from orchestrator.scheduling.tune_run import TuneRun
from orchestrator.signals import StopRequest
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Sweep

WHY = "its Frechet distance was 99, not among the better half of the trials at this rung"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY.replace("steps: 8", "steps: 16").replace("every: 4, samples", "every: 2, samples"))
    return make_plan(loader.load(file), tmp_path / "home")


@pytest.fixture
def scheduled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the sweep were a search with a schedule."""
    monkeypatch.setattr(Sweep, "stops_trials", property(lambda sweep: True))


def stopped_at(plan: Plan, step: int) -> None:
    folder = plan.folder.trial(plan.trials[0].key)
    folder.folder.mkdir(parents=True, exist_ok=True)
    folder.write_stop(step, WHY)


def test_it_ends_there_with_its_samples_and_is_neither_stable_nor_unstable(plan: Plan, scheduled: None) -> None:
    stopped_at(plan, 6)
    folder = run_to_end(plan, plan.trials[0]).folder
    record = folder.record()
    assert (record.status, record.step, record.stopped_at, record.stopped) == ("finished", 6, 6, True)
    assert record.verdict and record.verdict["name"] == "unfinished" and record.verdict["since"] is None
    assert record.verdict["reason"].startswith(
        f"stopped by the schedule at step 6 of 16: {WHY}; its verdict so far was"
    )
    assert folder.generator_file.exists() and [step for step, _ in folder.sample_files()][-1] == 6

    member = member_of(plan.trials[0], record)
    assert member and (member.result.stable, member.result.event, member.result.steps) == (None, None, 6)
    assert member.result.stopped


def test_neither_the_next_command_nor_another_sweep_takes_it_for_more(plan: Plan, scheduled: None) -> None:
    stopped_at(plan, 6)
    run_to_end(plan, plan.trials[0])
    again = set_up_ended(plan.with_current_records(), pytest.fail)
    assert again.trials[0].state == "finished" and again.trials[0] not in again.unfinished
    other = make_plan(loader.load(Path(plan.sweep.file), ["sweep=other"]), plan.folder.home)
    assert plan.trials[0].key not in finished_elsewhere(other)


def test_a_trial_that_was_killed_after_the_word_ends_at_the_same_step(plan: Plan, scheduled: None) -> None:
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    execution.advance(should_stop=lambda: execution.step >= 5)
    execution.abandon()  # as if its process were killed: what came after the last checkpoint is lost
    stopped_at(plan, 6)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert (record.step, record.stopped) == (6, True)


def test_without_the_schedule_it_trains_on_from_there_to_its_last_step(plan: Plan) -> None:
    stopped_at(plan, 6)
    run_to_end(plan, plan.trials[0])
    notes: list[str] = []
    going_on = set_up_ended(plan.with_current_records(), notes.append)
    assert "1 trial was ended early, and schedule is not set now" in notes[0]
    execution = run_to_end(going_on, going_on.trials[0])
    record = execution.folder.record()
    assert (record.step, record.stopped_at, record.attempts[-1].from_step) == (16, None, 6)


def test_without_the_schedule_its_word_is_gone_also_for_a_trial_that_has_not_come_to_it(plan: Plan) -> None:
    stopped_at(plan, 6)
    set_up_ended(plan, pytest.fail)
    assert plan.folder.trial(plan.trials[0].key).stop() is None


def test_with_the_schedule_its_word_stays(plan: Plan, scheduled: None) -> None:
    stopped_at(plan, 6)
    set_up_ended(plan, pytest.fail)
    assert plan.folder.trial(plan.trials[0].key).stop()


def test_with_more_evaluations_ahead_it_trains_on_until_it_is_told(plan: Plan) -> None:
    assert run_to_end(plan, plan.trials[0]).folder.record().stopped_at is None


class Processors:
    """A cluster whose trials take one processor each."""

    def resources(self, gpu_share: float, shares: int) -> dict[str, float]:
        return {"CPU": 1.0}


def test_a_worker_reports_each_evaluation_and_heeds_the_word_before_it_trains_on(
    plan: Plan, scheduled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast it trains: within one call of 600 s it would be at its end."""
    monkeypatch.setattr("orchestrator.scheduling.trainable.SECONDS_PER_CALL", 600.0)
    planned = plan.trials[0]
    evaluators = {planned.evaluation: execution_of(plan, planned).evaluator}
    schedule = AshaSchedule(planned.config, evaluators[planned.evaluation].id, plan.folder.trial)

    class Alone(TrialTrainable):
        def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
            super().setup(config, plan.images, evaluators)

    run = TuneRun(
        plan,
        evaluators,
        Processors(),  # type: ignore[arg-type]
        RunSettings(None, 900.0),
        0.25,
        StopRequest(),
        lambda report: None,
        schedule=schedule,
    )
    worker = Alone(as_config(run._task(planned, frozenset())))
    reports = [worker.step()["report"], worker.step()["report"]]
    assert [(report.step, report.evaluated_step, report.is_done) for report in reports] == [
        (2, 2, False),
        (4, 4, False),
    ]
    for other in "ab":
        schedule.replay(
            other, [{"step": 4, metric_names.frechet(evaluators[planned.evaluation].id): 1e-9}], lambda rows: None
        )
    schedule.on_report(reports[1])
    last = worker.step()["report"]
    assert (last.step, last.is_done, last.stopped, last.verdict) == (4, True, True, "unfinished")
