"""What people see while a sweep runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console
from support.tiny import finished_trial

from orchestrator.console.progress import Display, LiveDisplay, make_display
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

MakePlan = Callable[[], Plan]


def report_of(planned: PlannedTrial, step: int, verdict: str | None = None) -> TrialReport:
    """What its worker reports after a second of training."""
    latest = {"loss/generator": 1.25, "accuracy/discriminator": 0.5, "frechet/random-1a2b3c4d": 20.0}
    return TrialReport(
        planned.key,
        is_done=verdict is not None,
        step=step,
        verdict=verdict,
        verdict_so_far="oscillating",
        latest=latest,
        seconds=1.0,
    )


def test_plain_output_says_each_trials_end_and_the_time_left(tiny_plan: MakePlan) -> None:
    plan, out = tiny_plan(), io.StringIO()
    display = make_display(Console(file=out, width=200))
    assert type(display) is Display
    with display:
        display.start(plan, Eta(plan, 2))
        display.on_report(report_of(plan.trials[0], 4))
        display.on_report(report_of(plan.trials[0], 8, verdict="stable"))
        first, second, third = (planned.key for planned in plan.trials[1:])
        display.on_report(TrialReport(first, event=TrialEvent.WORKER_LOST))
        display.on_report(TrialReport(first, event=TrialEvent.GIVEN_UP, error="its worker was lost 6 times"))
        display.on_report(TrialReport(second, event=TrialEvent.RETRIED, error="KeyError: 'loss'"))
        display.on_report(TrialReport(second, event=TrialEvent.OUT_OF_MEMORY))
        display.on_report(TrialReport(third, event=TrialEvent.SILENT, silent_seconds=120.0, heartbeat_timeout=900.0))
    text = out.getvalue()
    labels = [f"{planned.key[:8]} {planned.trial.name}" for planned in plan.trials]
    assert f"{labels[1]}: failed, its worker was lost 6 times (2 of 4 ended)" in text
    assert f"{labels[0]}: stable at step 8 (1 of 4 ended; about 3 s left)" in text
    assert "starts again from its checkpoint" in text
    assert f"{plan.trials[2].trial.name}: KeyError: 'loss'; it is tried again from its checkpoint" in text
    again = "it is tried again after the others, with fewer trials beside it"
    assert f"{plan.trials[2].trial.name} ran out of memory; {again}" in text
    assert f"no report from {labels[3]} for 2 min 00 s; after 15 min 00 s its worker" in text


def test_a_trial_that_was_ended_early_is_said_to_be(tiny_plan: MakePlan) -> None:
    for terminal, text in ((False, "collapsed, ended early at step 4 (1 of 4 ended"), (True, "collapsed, ended early")):
        plan, out = tiny_plan(), io.StringIO()
        with make_display(Console(file=out, width=200, force_terminal=terminal, color_system=None)) as display:
            display.start(plan, Eta(plan, 2))
            display.on_report(replace(report_of(plan.trials[0], 4, verdict="collapsed"), ended_early=True))
        assert text in out.getvalue()


def test_the_bar_begins_empty_however_long_the_start_took_and_whatever_was_done_before(tiny_plan: MakePlan) -> None:
    before = tiny_plan()
    for planned in before.trials[:2]:
        finished_trial(before, planned)
    plan = tiny_plan()
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.started_at -= 3600
    display.start(plan, Eta(plan, 2))

    def filled() -> int:
        with console.capture() as captured:
            console.print(display.render())
        return captured.get().splitlines()[1].count("\N{BOX DRAWINGS HEAVY HORIZONTAL}")

    shares = [filled()]
    for planned in plan.unfinished:
        for step in (4, 8):
            display.on_report(report_of(planned, step, verdict="stable" if step == 8 else None))
            shares.append(filled())
    assert shares == [0, 5, 10, 15, 20]


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_says_nothing_before_the_summary(terminal: bool, tiny_plan: MakePlan) -> None:
    plan, out = tiny_plan(), io.StringIO()
    with make_display(Console(file=out, force_terminal=terminal), quiet=True) as display:
        display.set_phase("starting Ray")
        display.note("to know")
        display.start(plan, Eta(plan, 2))
        key = plan.trials[1].key
        display.on_report(report_of(plan.trials[0], 8, verdict="stable"))
        display.on_report(TrialReport(key, event=TrialEvent.WORKER_LOST))
        display.on_report(TrialReport(key, event=TrialEvent.GIVEN_UP, error="its worker was lost 6 times"))
    assert out.getvalue() == ""


@pytest.mark.parametrize(("side_by_side", "text"), [(1, "one trial runs at a time"), (3, "3 trials run at a time")])
def test_a_kill_for_memory_is_one_line_with_what_is_done(side_by_side: int, text: str, tiny_plan: MakePlan) -> None:
    plan, out = tiny_plan(), io.StringIO()
    display = make_display(Console(file=out, width=200))
    display.start(plan, Eta(plan, 2))
    event = TrialEvent.KILLED_FOR_MEMORY
    display.on_report(TrialReport(plan.trials[1].key, event=event, side_by_side=side_by_side))
    (line,) = out.getvalue().splitlines()
    assert "memory ran out, so the system killed the worker of" in line and line.endswith(text)


def test_the_live_table_shows_running_trials_outcomes_and_the_time_left(tiny_plan: MakePlan) -> None:
    plan, out = tiny_plan(), io.StringIO()
    console = Console(file=out, width=120, force_terminal=True)
    display = make_display(console)
    assert isinstance(display, LiveDisplay)
    with display:
        display.set_phase("starting Ray")
        display.start(plan, Eta(plan, 2))
        display.on_report(report_of(plan.trials[0], 8, verdict="collapsed"))
        display.on_report(report_of(plan.trials[1], 4))
        with console.capture() as captured:
            console.print(display.render())
    text = captured.get()
    assert "1 of 4 ended" in text
    assert "1 collapsed" in text
    assert plan.trials[1].trial.name in text
    assert "4/8" in text
    assert "oscillating" in text  # the verdict so far
    assert "1.25" in text
    assert "20.0" in text  # the Frechet distance, whatever evaluator measured it
    assert "left" in text
