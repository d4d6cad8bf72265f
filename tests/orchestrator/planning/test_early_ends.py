"""Trials that were ended early, as other commands find them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.mirrors import synced_mirror
from support.tiny import TINY, finished_trial
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.planning.early_ends import set_up_ended, with_ended_going_on
from orchestrator.planning.extension import extensions
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.reuse import with_reusable_records
from orchestrator.planning.verdict_update import update_verdicts
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.store.json_files import write_json
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.sweepfile import loader
from orchestrator.tracking.client import client_for

PlanOf = Callable[..., Plan]


@pytest.fixture
def plan_of(tmp_path: Path) -> PlanOf:
    """Plans the tiny sweep with these values of settings."""

    def make(*overrides: str) -> Plan:
        file = tmp_path / "tiny.yaml"
        file.write_text(TINY)
        return make_plan(loader.load(file, [*overrides]), tmp_path / "home")

    return make


@pytest.fixture
def ended(plan_of: PlanOf) -> TrialFolder:
    """The first trial, as if its last step had been an early end."""
    plan = plan_of("stop_early=true")
    folder = finished_trial(plan, plan.trials[0])
    record = folder.record()
    assert record.verdict
    record.lost_at = record.step
    record.verdict |= {"name": "collapsed", "reason": "ended early, at step 8 of 80: alike"}  # type: ignore[typeddict-item]
    folder.write_record(record)
    write_json(plan.folder.sweep_file, plan.to_document())
    return folder


def printed(tmp_path: Path, *words: str) -> str:
    command = ["plan", str(tmp_path / "tiny.yaml"), "--home", str(tmp_path / "home"), *words]
    result = CliRunner().invoke(app.app, command)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_plan_says_that_it_goes_on_without_stop_early_and_leaves_it_with_it(ended: TrialFolder, tmp_path: Path) -> None:
    text = " ".join(printed(tmp_path).split())
    assert "1 trial was ended early, and stop_early is not set now: trained on from there to the last step" in text
    assert "4 trials: 1 interrupted, 3 pending" in text
    kept = printed(tmp_path, "--stop-early")
    assert "4 trials: 1 finished (collapsed), 3 pending".replace("(collapsed)", "(1 collapsed)") in kept
    assert "stop_early is not set" not in kept
    assert ended.record().ended_early, "plan writes nothing"


def test_a_trial_that_another_command_has_trained_on_meanwhile_is_left_alone(
    ended: TrialFolder, plan_of: PlanOf
) -> None:
    plan = plan_of()
    record = ended.record()
    record.lost_at = None  # as it is once its last step was trained
    ended.write_record(record)
    assert set_up_ended(plan, pytest.fail).trials[0].state == "finished"
    assert ended.record() == record


def test_without_its_checkpoint_it_begins_anew_and_that_is_said(ended: TrialFolder, plan_of: PlanOf) -> None:
    ended.checkpoint_file.unlink()
    _, lines = with_ended_going_on(plan_of())
    assert lines[0].endswith("to the last step (1 from step 0, without a checkpoint)")


def test_another_sweep_takes_it_only_if_it_ends_trials_early_too(
    ended: TrialFolder, plan_of: PlanOf, tmp_path: Path
) -> None:
    assert with_reusable_records(plan_of("sweep=other"))[0].counts() == {"pending": 4}
    plan, lines = with_reusable_records(plan_of("sweep=other", "stop_early=true"))
    assert plan.counts() == {"finished": 1, "pending": 3} and len(lines) == 1
    assert plan.trials[0].record.ended_early


def test_with_more_steps_it_goes_on_from_where_it_was_ended(ended: TrialFolder, plan_of: PlanOf) -> None:
    record = ended.record()
    record.step = record.lost_at = 4  # before its last step, so not because of its length
    ended.write_record(record)
    (extension,) = extensions(plan_of("trial.steps=16")).values()
    assert extension.obstacle == ""
    record.lost_at = None
    ended.write_record(record)
    (extension,) = extensions(plan_of("trial.steps=16")).values()
    assert extension.obstacle == "they diverged"


def test_clean_keeps_the_checkpoint_that_it_may_go_on_from(ended: TrialFolder, tmp_path: Path) -> None:
    result = CliRunner().invoke(app.app, ["clean", "tiny", "--yes", "--home", str(tmp_path / "home")])
    assert result.exit_code == 0, result.output
    assert ended.checkpoint_file.exists()
    record = ended.record()
    record.lost_at = None
    ended.write_record(record)
    CliRunner().invoke(app.app, ["clean", "tiny", "--yes", "--home", str(tmp_path / "home")])
    assert not ended.checkpoint_file.exists()


def test_judged_again_it_still_says_that_it_was_ended(ended: TrialFolder, plan_of: PlanOf) -> None:
    record = ended.record()
    assert record.verdict
    record.verdict["rules"] = 1
    ended.write_record(record)
    update_verdicts(plan_of("stop_early=true"), lambda text: None)
    verdict = ended.record().verdict
    assert verdict and verdict["reason"].startswith("ended early, at step 8 of 8: ")


def test_its_run_in_mlflow_says_so_and_goes_on_with_it(ended: TrialFolder, plan_of: PlanOf, tmp_path: Path) -> None:
    first = synced_mirror(plan_of("stop_early=true"), tmp_path)
    data = read_sweep(first.uri, "tiny")
    assert data.stop_early
    assert (data.runs[0].lost_at, data.runs[0].ended_early, data.runs[0].verdict) == (8, True, "collapsed")

    plan = set_up_ended(plan_of(), lambda text: None)
    going_on = synced_mirror(plan, tmp_path)
    run = client_for(going_on.uri).get_run(going_on.children[ended.key].run_id)
    assert run.info.run_id == first.children[ended.key].run_id
    assert (run.info.status, run.data.tags["verdict"]) == ("KILLED", ""), "interrupted so far"
    data = read_sweep(going_on.uri, "tiny")
    assert not data.stop_early
    assert (data.runs[0].lost_at, data.runs[0].ended_early, data.runs[0].has_ended) == (None, False, False)
