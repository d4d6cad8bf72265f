"""Which trial a free worker gets in a sweep that chooses its trials one after another. Nothing is trained."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.explored import LR, Bisection, end, plan_of
from support.until_answered import fail

from orchestrator.planning.chosen_points import Chooser, ChosenPoint, EndedPoint
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.point_queue import PointQueue
from orchestrator.store.json_files import write_with_checksum


def queue_of(plan: Plan, chooser: Chooser | None = None) -> PointQueue:
    """A queue that keeps its points where the command does."""
    assert plan.sweep.explores
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    queue = PointQueue(plan, chooser or Bisection(plan.sweep.explores.trials))
    queue.on_change = lambda: write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    return queue


def next_trial(queue: PointQueue, workers: int) -> PlannedTrial | None:
    """What a worker gets; a thread that chooses is given the time that it needs."""
    for _ in range(100):
        if planned := queue.peek(workers):
            return planned
        if not queue._choosing:
            break
    return None


def train(plan: Plan, queue: PointQueue, workers: int, order: int = 0, limit: int = 100) -> list[float]:
    """Train at most so many trials on workers, of which the one with this number ends first; learning rates begun."""
    begun: list[float] = []
    running: list[PlannedTrial] = []
    queue.begin(workers)
    for _ in range(limit):
        while len(running) < workers and (planned := next_trial(queue, workers)):
            queue.give(planned)
            running.append(planned)
            begun.append(planned.trial.factors[LR])
        if not running:
            break
        first = running.pop(order if order < len(running) else -1)
        end(plan, first)
        queue.take_back(first.key)
    return begun


def rates(queue: PointQueue) -> list[float]:
    return [planned.trial.factors[LR] for planned in queue.plan_so_far().trials]


def test_all_trials_are_chosen_trained_and_numbered_by_their_seeds(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    assert len(train(plan, queue, workers=2)) == 12
    assert queue.is_over and queue.is_empty and queue.peek(2) is None
    assert [planned.trial.seed for planned in queue.plan_so_far().trials] == list(range(12))
    assert min(abs(rate / 3e-3 - 1) for rate in rates(queue)) < 0.2, "the choices found the boundary"
    assert not queue.plan_so_far().to_train and not plan_of(tmp_path).to_train


@pytest.mark.parametrize("order", [1, 2, 3])
def test_what_is_chosen_depends_on_no_order_in_which_trials_end(tmp_path: Path, order: int) -> None:
    in_order, other = plan_of(tmp_path / "a"), plan_of(tmp_path / "b")
    queue, other_queue = queue_of(in_order), queue_of(other)
    train(in_order, queue, workers=4)
    train(other, other_queue, workers=4, order=order)
    assert rates(queue) == rates(other_queue) and len(rates(queue)) == 12


@pytest.mark.parametrize("killed_after", [1, 4, 7, 11])
@pytest.mark.parametrize("workers", [2, 3])
def test_a_killed_sweep_goes_on_with_the_same_points(tmp_path: Path, killed_after: int, workers: int) -> None:
    undisturbed, killed = plan_of(tmp_path / "a"), plan_of(tmp_path / "b")
    queue = queue_of(undisturbed)
    train(undisturbed, queue, workers=2)
    train(killed, queue_of(killed), workers=2, order=1, limit=killed_after)
    resumed = plan_of(tmp_path / "b")
    assert resumed.explored and resumed.explored["lag"] == 4 and len(resumed.trials) >= killed_after
    resumed_queue = queue_of(resumed)
    train(resumed, resumed_queue, workers)
    assert rates(resumed_queue) == rates(queue)


def test_points_are_in_the_file_before_they_are_trained(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    queue.begin(2)
    planned = next_trial(queue, 2)
    assert planned
    document = plan.folder.document()["explored"]
    assert planned.key == document["points"][0]["key"] == plan.folder.document()["trials"][0]["key"]
    assert document["lag"] == 4 and document["trials"] == 12 and document["kind"] == "map"


def test_a_larger_number_of_trials_goes_on_from_the_same_points(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, overrides=["map.trials=8"])
    queue = queue_of(plan)
    before = train(plan, queue, workers=2)
    larger = plan_of(tmp_path)
    assert (len(larger.trials), len(larger.expected), len(larger.unfinished)) == (8, 4, 0)
    larger_queue = queue_of(larger)
    assert len(train(larger, larger_queue, workers=2)) == 4
    assert rates(larger_queue)[:8] == rates(queue) == before


def test_a_smaller_number_leaves_the_last_points_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    train(plan, queue_of(plan), workers=2)
    smaller = plan_of(tmp_path, overrides=["map.trials=9"])
    assert len(smaller.trials) == 9 and not smaller.to_train and queue_of(smaller).is_over


def test_no_worker_waits_while_all_trials_take_equally_long(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    queue.begin(3)
    running = []
    for _ in range(4):  # as many as there are workers, and one that waits for the next free one
        planned = next_trial(queue, 3)
        assert planned
        queue.give(planned)
        running.append(planned)
    for _ in range(8):
        first = running.pop(0)
        end(plan, first)
        queue.take_back(first.key)
        planned = next_trial(queue, 3)
        assert planned, "the next trial is known when a worker is free"
        queue.give(planned)
        running.append(planned)


def test_a_trial_that_takes_long_stops_the_choosing_when_the_lag_is_full(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    queue.begin(2)
    slow = next_trial(queue, 2)
    assert slow
    queue.give(slow)
    others = 0
    while planned := next_trial(queue, 2):
        queue.give(planned)
        end(plan, planned)
        queue.take_back(planned.key)
        others += 1
    assert others == 3 and not queue.is_over and not queue.is_empty


def test_a_failed_trial_counts_as_not_stable_and_the_next_command_tries_it_again(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    queue.begin(2)
    first = next_trial(queue, 2)
    assert first
    queue.give(first)
    fail(plan, first)
    queue.take_back(first.key)
    chosen = train(plan, queue, workers=2)
    assert len(chosen) == 11 and queue.is_over
    again = queue_of(plan_of(tmp_path))
    assert again._keys == [planned.key for planned in queue.plan_so_far().trials]
    planned = again.peek(2)
    assert planned and planned.key == first.key and not again.is_over


@dataclass
class Slow:
    """Chooses when it is told to."""

    may_choose: threading.Event = field(default_factory=threading.Event)

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint | None:
        if number:
            self.may_choose.wait(10)
        return Bisection(12).choose(number, ended, pending)


def test_workers_are_not_held_up_while_a_point_is_chosen(tmp_path: Path) -> None:
    plan, chooser = plan_of(tmp_path), Slow()
    queue = queue_of(plan, chooser)
    queue.begin(2)
    first = queue.peek(2)
    assert first
    queue.give(first)
    assert queue.peek(2) is None, "not chosen yet, and nobody waits for it"
    assert not queue.is_empty and not queue.is_over
    chooser.may_choose.set()
    assert next_trial(queue, 2)


def test_when_no_trial_runs_the_choice_is_waited_for(tmp_path: Path) -> None:
    plan, chooser = plan_of(tmp_path), Slow()
    queue = queue_of(plan, chooser)
    queue.begin(1)
    first = queue.peek(1)
    assert first
    queue.give(first)
    end(plan, first)
    queue.take_back(first.key)
    timer = threading.Timer(0.3, chooser.may_choose.set)
    timer.start()
    assert queue.peek(1), "Tune would end if it got nothing now"


def test_what_other_sweeps_have_is_taken_over_and_not_trained(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    chosen: list[PlannedTrial] = []

    def prepare(alone: Plan) -> Plan:
        (planned,) = alone.trials
        if planned.trial.seed % 2:
            end(plan, planned)
        return alone.with_current_records()

    queue = PointQueue(plan, Bisection(12), prepare)
    queue.on_chosen = chosen.append
    assert len(train(plan, queue, workers=2)) == 6
    assert queue.is_over and len(chosen) == 12


def test_the_user_hears_how_far_it_is(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    lines = []
    queue.on_change = lambda: lines.append(queue.news(queue.plan_so_far()))
    train(plan, queue, workers=2)
    said = [line for line in lines if line]
    assert [line.partition(" trials")[0] for line in said] == [f"map: {n} of 12" for n in (3, 6, 9, 12)]
    assert "of them stable; the best Frechet distance of a stable one is" in said[-1]
