"""Finished trials of an earlier version get today's verdicts, in their records and in MLflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.histories import BLOBS, history
from support.mirrors import stored_points, synced_mirror
from support.tiny import finished_trial

from gan_core import metric_names
from gan_core.verdict.judge import RULES_VERSION
from orchestrator.planning.plan import Plan
from orchestrator.planning.verdict_update import update_verdicts, verdict_of
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.store.record import RecordedVerdict
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.tracking.client import client_for

OLD = RecordedVerdict(name="stable", since=None, reason="no event", evidence={})


@pytest.fixture
def judged_by_older_rules(tiny_plan: Callable[[], Plan]) -> Plan:
    """A finished trial whose verdict an earlier version wrote."""
    plan = tiny_plan()
    planned = plan.trials[0]
    finished_trial(plan, planned)
    folder = plan.folder.trial(planned.key)
    record = folder.record()
    record.verdict = OLD
    folder.write_record(record)
    return plan.with_current_records()


def test_a_verdict_by_older_rules_is_judged_again_and_the_change_is_said(judged_by_older_rules: Plan) -> None:
    lines: list[str] = []
    plan = update_verdicts(judged_by_older_rules, lines.append)
    name = plan.trials[0].trial.name
    assert lines == [
        f"1 trial of an earlier version is judged again by today's rules: {name} was stable, now unfinished"
    ]
    verdict = plan.folder.trial(plan.trials[0].key).record().verdict
    assert verdict and (verdict["name"], verdict["since"], verdict["rules"]) == ("unfinished", None, RULES_VERSION)
    update_verdicts(plan.with_current_records(), lines.append)
    assert len(lines) == 1


def test_mlflow_and_the_report_get_the_new_verdict(judged_by_older_rules: Plan, tmp_path: Path) -> None:
    before = synced_mirror(judged_by_older_rules, tmp_path)
    run = before.children[judged_by_older_rules.trials[0].key]
    (data,) = (each for each in read_sweep(before.uri, "tiny").runs if each.verdict)
    assert (data.verdict, data.rules) == ("stable", 1)
    assert any("1 verdict is judged by older rules" in caution for caution in read_sweep(before.uri, "tiny").cautions)
    plan = update_verdicts(judged_by_older_rules, lambda line: None).with_current_records()
    synced_mirror(plan, tmp_path)
    sweep = read_sweep(before.uri, "tiny")
    (data,) = (each for each in sweep.runs if each.verdict)
    assert (data.verdict, data.rules) == ("unfinished", RULES_VERSION)
    assert not [caution for caution in sweep.cautions if "older rules" in caution]
    points = [point for point in stored_points(tmp_path / "mlflow.db", run.run_id) if point[0] == "verdict/stable"]
    assert [value for *_, value in points] == [1.0, 0.0]
    assert points[1][1] == points[0][1] + RULES_VERSION - 1
    assert client_for(before.uri).get_run(run.run_id).data.metrics["verdict/stable"] == 0.0


def test_a_damaged_history_keeps_its_verdict(judged_by_older_rules: Plan) -> None:
    judged_by_older_rules.folder.trial(judged_by_older_rules.trials[0].key).history_file.write_text("half a line")
    assert_stays(judged_by_older_rules)


def test_a_history_without_the_number_of_distinct_images_keeps_its_verdict_and_is_not_read(
    judged_by_older_rules: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = judged_by_older_rules.trials[0]
    name = metric_names.distinct_images(planned.record.evaluator["id"])
    planned.record.metrics[name.replace("_images", "")] = planned.record.metrics.pop(name)
    monkeypatch.setattr(TrialFolder, "written_rows", lambda *given: pytest.fail("it was read"))
    assert_stays(judged_by_older_rules)


def assert_stays(plan: Plan) -> None:
    lines: list[str] = []
    update_verdicts(plan, lines.append)
    assert not lines
    assert plan.folder.trial(plan.trials[0].key).record().verdict == OLD


def test_a_trial_that_diverged_stays_diverged(judged_by_older_rules: Plan) -> None:
    planned = judged_by_older_rules.trials[0]
    evidence = {"step": 3, "tensor": "loss/generator"}
    planned.record.verdict = RecordedVerdict(name="diverged", since=3, reason="not finite", evidence=evidence)
    verdict = verdict_of(planned, history(BLOBS), judged_by_older_rules.data[planned.fingerprint].card())
    assert (verdict.name, verdict.since) == ("diverged", 3)
