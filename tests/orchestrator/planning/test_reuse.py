"""A trial that another sweep of the home has finished is copied, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.mirrors import expected_points, stored_points, synced_mirror
from support.tiny import TINY, run_some_steps, run_to_end

from orchestrator.planning import reuse
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]


@pytest.fixture
def other(tmp_path: Path, tiny_plan: MakePlan) -> Plan:
    """Another sweep with the same trials, of which the first has finished and the second is interrupted."""
    file = tmp_path / "other.yaml"
    file.write_text(TINY.replace("sweep: tiny", "sweep: other"))
    plan = make_plan(loader.load(file), tmp_path / "home")
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    run_to_end(plan, plan.trials[0])
    run_some_steps(plan, plan.trials[1], 5)
    return plan


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_finished_trial_is_copied_with_all_its_files_and_reaches_mlflow(
    other: Plan, tiny_plan: MakePlan, tmp_path: Path
) -> None:
    lines: list[str] = []
    plan = reuse.copy_reusable(tiny_plan(), lines.append)
    assert [planned.state for planned in plan.trials] == ["finished", "pending", "pending", "pending"]
    assert lines == ["1 trial is the same as in sweep other, which has finished it: copied, not trained again"]
    key = plan.trials[0].key
    copied, trained = (files_of(sweep.folder.trial(key).folder) for sweep in (plan, other))
    trained.pop("lock", None)
    assert copied == trained
    mirror = synced_mirror(plan, tmp_path)
    points = stored_points(tmp_path / "mlflow.db", mirror.children[key].run_id)
    assert len(points) == expected_points(plan, key).total() > 0
    assert reuse.copy_reusable(plan, lines.append) is plan and len(lines) == 1


def test_plan_counts_it_as_finished_and_copies_nothing(other: Plan, tiny_plan: MakePlan) -> None:
    plan, lines = reuse.with_reusable_records(tiny_plan())
    assert plan.counts() == {"finished": 1, "pending": 3}
    assert len(lines) == 1
    assert not plan.folder.folder.exists()


def test_a_copy_that_was_interrupted_is_made_again(
    other: Plan, tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    folder = plan.folder.trial(plan.trials[0].key)
    folder.folder.mkdir(parents=True)
    folder.history_file.write_text("half a")  # and no record
    assert reuse.copy_reusable(plan, lambda line: None).trials[0].state == "finished"
    assert folder.history_file.read_bytes() == other.folder.trial(folder.key).history_file.read_bytes()


def test_damaged_files_and_a_trial_that_has_begun_here_are_left_alone(other: Plan, tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    run_some_steps(plan, plan.trials[0], 5)
    assert reuse.finished_elsewhere(plan.with_current_records()) == {}
    damaged = other.folder.trial(other.trials[0].key).generator_file
    damaged.write_bytes(damaged.read_bytes()[:-9])
    elsewhere = replace(plan, folder=type(plan.folder)(plan.folder.home, "third"))
    assert reuse.finished_elsewhere(elsewhere) == {}
