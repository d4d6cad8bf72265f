"""Trials that were ended early, or stopped by a schedule, under a command that does not do so: they train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestrator.formatting import count_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial


def with_ended_going_on(plan: Plan) -> tuple[Plan, list[str]]:
    """The plan as it is once these trials have been set up to go on, and a line that says so."""
    ended = _ended_early(plan)
    keys = {planned.key for planned in ended}
    trials = [
        replace(planned, record=planned.record.before_its_early_end()) if planned.key in keys else planned
        for planned in plan.trials
    ]
    return (replace(plan, trials=trials), _lines(plan, ended)) if ended else (plan, [])


def set_up_ended(plan: Plan, note: Callable[[str], None]) -> Plan:
    """Write the records of these trials, so that they go on; returns the plan with them. Needs the lock of the sweep.

    A trial that a schedule wanted to stop, and that has not come to its end, is no longer stopped without the schedule.
    Raises OSError.
    """
    if not plan.sweep.stops_trials:
        for planned in plan.unfinished:
            plan.folder.trial(planned.key).stop_file.unlink(missing_ok=True)
    if not _ended_early(plan):
        return plan
    plan = plan.with_current_records()  # another command may have trained them since the plan was made
    ended = _ended_early(plan)
    for planned in ended:
        folder = plan.folder.trial(planned.key)
        folder.stop_file.unlink(missing_ok=True)
        folder.write_record(planned.record.before_its_early_end())
    for line in _lines(plan, ended):
        note(line)
    return plan.with_current_records()


def _ended_early(plan: Plan) -> list[PlannedTrial]:
    return [
        planned
        for planned in plan.trials
        if (planned.record.ended_early and not plan.sweep.stop_early)
        or (planned.record.stopped and not plan.sweep.stops_trials)
    ]


def _lines(plan: Plan, ended: list[PlannedTrial]) -> list[str]:
    if not ended:
        return []
    without = [planned for planned in ended if not plan.folder.trial(planned.key).has_checkpoint()]
    gone = f" ({len(without)} from step 0, without a checkpoint)" if without else ""
    verb = "was" if len(ended) == 1 else "were"
    return [
        f"{count_of(len(ended), 'trial')} {verb} ended early, and {_setting(ended)} is not set now: trained on from "
        f"there to the last step{gone}"
    ]


def _setting(ended: list[PlannedTrial]) -> str:
    """What had ended these trials."""
    settings = {"schedule" if planned.record.stopped else "stop_early" for planned in ended}
    return " or ".join(sorted(settings))
