"""Trains a sweep of which what has ended decides what is trained next: until it is answered, or point by point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.planning import confirmation
from orchestrator.planning.adaptive_queue import AdaptiveQueue
from orchestrator.planning.answer_words import plan_end_line
from orchestrator.planning.budget import Budget, begun_earlier, own_records
from orchestrator.planning.choosers import chooser_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.point_queue import PointQueue
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.store.json_files import write_with_checksum

if TYPE_CHECKING:  # `plan` answers without what trains
    from orchestrator.console.progress import Display
    from orchestrator.scheduling.sweep_runner import SweepRunner
    from orchestrator.signals import StopRequest
    from orchestrator.tracking.mirror import Mirror


def queue_of(plan: Plan, prepare: Callable[[Plan], Plan] = lambda plan: plan) -> TrialQueue | None:
    """The queue of a plan with all trials that may be needed; None if all of its trials are. prepare: see PointQueue"""
    if plan.explored:
        return PointQueue(plan, chooser_of(plan.sweep), prepare)
    if plan.sweep.until is None:
        return None
    return AdaptiveQueue(plan, Budget(plan.sweep.until, own_records(plan, begun_earlier(plan))))


def left_to_train(plan: Plan, queue: TrialQueue | None) -> list[PlannedTrial]:
    """What this command trains of the plan so far: what confirms the best ones alone, if the sweep is over."""
    is_over = queue is not None and queue.is_over
    return [planned for planned in plan.to_train if planned.trial.confirms or not is_over]


def with_confirmations(plan: Plan, count: int, note: Callable[[str], None]) -> Plan:
    """As in `confirmation`; once the sweep is over, seeds that it will never train are not waited for."""
    queue = queue_of(plan)
    so_far = queue.plan_so_far() if queue and queue.is_over else plan
    confirmed = confirmation.with_confirmations(so_far, count, note)
    return replace(plan, trials=[*plan.trials, *confirmed.trials[len(so_far.trials) :]])


def train(
    plan: Plan, queue: TrialQueue, runner: SweepRunner, mirror: Mirror, display: Display, stop: StopRequest
) -> Plan:
    """Train until nothing more is needed (the question is answered, the budget is spent, ...) or a stop was requested.

    Returns the plan with the trials that have ended, and if it was stopped, or none has ended, with those that go on
    later. The sweep's file and its mirror have the trials that were begun at any time, so that a killed command leaves
    nothing unnamed.
    """

    def on_change() -> None:
        so_far = queue.plan_so_far()
        document = so_far.to_document()
        write_with_checksum(plan.folder.sweep_file, document)
        mirror.set_document(document)
        if news := queue.news(so_far):
            display.note(news)

    queue.on_change = on_change
    on_change()
    runner.train(plan, queue)
    so_far = queue.plan_so_far()
    if so_far.answer and not stop.is_requested:
        display.note(plan_end_line(so_far))
    on_change()
    return so_far
