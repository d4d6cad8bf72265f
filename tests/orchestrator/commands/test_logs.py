"""What is known of a trial, as lines."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from support.tiny import execution_of, finished_trial, run_some_steps, run_to_end

from orchestrator.commands import logs
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_lock import hold

MakePlan = Callable[[], Plan]


@pytest.fixture
def plan(tiny_plan: MakePlan) -> Plan:
    """The tiny sweep, known to its folder as after `orchestrate sweep`."""
    plan = tiny_plan()
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan


def logs_output(plan: Plan, wanted: str = "1", rows: int = 10, follow: bool = False) -> str:
    out = io.StringIO()
    logs.print_logs(plan.folder, wanted, rows, follow, Console(file=out, width=200))
    return out.getvalue()


def test_a_finished_trial_tells_attempts_verdict_and_its_last_rows(plan: Plan) -> None:
    run_some_steps(plan, plan.trials[0], 3).suspend()
    record = run_to_end(plan, plan.trials[0]).record
    text = logs_output(plan, rows=2)
    assert plan.trials[0].trial.name in text
    assert "from step 0 to 3: interrupted" in text
    assert "from step 3 to 8: finished" in text
    assert record.verdict is not None
    assert f"verdict  {record.verdict['name']}: {record.verdict['reason']}" in text
    distance = record.best["frechet/" + record.evaluator["id"]]
    assert f"best     Frechet distance {distance:.4g} at step {record.best['step']:.0f} (the row with *)" in text
    rows = [line.split() for line in text.splitlines() if line[:2] == "20" and line[4] == "-"]
    assert [row[2] for row in rows][-2:] == ["6", "8"]  # before them, the best one
    assert (
        len(rows[-1]) - (rows[-1][-1] == "*") == 8
    )  # date, time, step; two losses, accuracy, diversity and Frechet in one row
    assert f"orchestrate sample tiny {plan.trials[0].key[:8]}" in text


def test_a_failed_trial_shows_its_traceback(plan: Plan) -> None:
    execution = run_some_steps(plan, plan.trials[0], 1)
    try:
        raise RuntimeError("out of luck")
    except RuntimeError as error:
        execution._fail(error)
    text = logs_output(plan)
    assert "status   failed" in text
    assert "from step 0 to 1: exception: RuntimeError: out of luck" in text
    assert 'raise RuntimeError("out of luck")\nRuntimeError: out of luck' in text
    assert "orchestrate doctor" in text


def test_a_trial_whose_command_was_killed_is_interrupted(plan: Plan) -> None:
    run_some_steps(plan, plan.trials[0], 4)._leave()  # as if the process had died
    assert plan.folder.trial(plan.trials[0].key).record().status == "running"
    assert "status   interrupted" in logs_output(plan, follow=True)  # nothing runs it: there is nothing to follow


def test_a_pending_trial_says_what_trains_it(plan: Plan) -> None:
    text = logs_output(plan)
    assert "status   pending, step 0 of 8" in text
    assert "orchestrate sweep" in text


def test_following_tells_every_row_once_until_the_trial_ends(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "POLL_SECONDS", 0.01)
    trial_folder = plan.folder.trial(plan.trials[0].key)
    outputs: list[str] = []
    with hold(plan.folder):
        execution = execution_of(plan, plan.trials[0])
        execution.begin()
        for _ in range(4):
            execution._take_step()
        reader = threading.Thread(target=lambda: outputs.append(logs_output(plan, follow=True)))
        reader.start()
        deadline = time.monotonic() + 60
        while trial_folder.record().step < 4:
            assert time.monotonic() < deadline
        execution.advance()
        reader.join(timeout=60)
    lines = outputs[0].splitlines()
    steps = [line.split()[2] for line in lines if line[:2] == "20" and line[4] == "-"]
    assert steps == ["0", "2", "4", "6", "8"]
    assert any("from step 0 to 8: finished" in line for line in lines)


def test_times_are_local_and_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert logs.clock_time(1_700_000_000_123) == "2023-11-14 22:13:20"


def test_no_row_is_shown_where_none_is_asked_for(plan: Plan, tmp_path: Path) -> None:
    finished_trial(plan, plan.trials[0])
    assert "G loss" not in logs_output(plan, rows=0)


@pytest.mark.parametrize("best", [2.0, 8.0])
def test_the_row_of_the_best_evaluation_is_shown_with_a_mark_however_few_rows_are_asked_for(
    plan: Plan, best: float
) -> None:
    record = finished_trial(plan, plan.trials[0]).record()
    record.best = record.best | {"step": best}
    plan.folder.trial(plan.trials[0].key).write_record(record)
    rows = [line for line in logs_output(plan, rows=1).splitlines() if line[:2] == "20" and line[4] == "-"]
    assert [row.split()[2] for row in rows] == (["2", "8"] if best == 2 else ["8"])
    assert [row.split()[2] for row in rows if row.endswith("*")] == [f"{best:.0f}"]
    assert all(len(row) <= 80 for row in rows)
    assert "the row with" not in logs_output(plan, rows=0)
