"""Tune is given the trials of a queue one by one, as workers become free; nothing is trained and Ray does not run."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from ray.tune.experiment import Experiment, Trial
from support import explored
from support.until_answered import UNTIL, end_well, plan_of

from orchestrator.planning.adaptive_queue import AdaptiveQueue
from orchestrator.planning.budget import Budget
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.point_queue import PointQueue
from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.queue_searcher import QueueSearcher
from orchestrator.scheduling.trial_task import TrialTask, key_of, task_of


class Sweep:
    """A plan, its queue, and the searcher that Tune asks; `crowded`: keys of trials that shall run again."""

    def __init__(self, folder: Path, workers: int, pool: PlacementPool | None = None):
        self.plan: Plan = plan_of(folder, UNTIL)
        assert self.plan.sweep.until
        self.queue = AdaptiveQueue(self.plan, Budget(self.plan.sweep.until))
        self.crowded: set[str] = set()
        self.searcher = QueueSearcher(self.queue, self._task, lambda: workers, self.crowded.__contains__, pool)
        self.searcher.add_configurations(
            [Experiment("sweep", lambda config: None, config={"task": {}}, num_samples=16)]
        )

    def _task(self, planned: PlannedTrial) -> TrialTask:
        folder = self.plan.folder.trial(planned.key).folder
        return TrialTask(folder, planned.config, planned.fingerprint, planned.evaluation, {"CPU": 1.0})

    def next_trials(self) -> list[Trial]:
        """All that the searcher suggests now."""
        suggested = []
        while trial := self.searcher.next_trial():
            suggested.append(trial)
        return suggested

    def end(self, trial: Trial, error: bool = False) -> None:
        if not error:
            end_well(self.plan, next(planned for planned in self.plan.trials if planned.key == key_of(trial)))
        self.searcher.on_trial_complete(trial.trial_id, error=error)


def test_no_more_trials_are_begun_than_there_are_workers_and_one_that_waits(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, workers=2)
    first = sweep.next_trials()
    assert [task_of(trial.config).config.seed for trial in first] == [0, 0, 1]
    assert sweep.next_trials() == []
    sweep.end(first[0])
    assert [task_of(trial.config).config.seed for trial in sweep.next_trials()] == [1]


def test_it_ends_when_the_question_is_answered(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, workers=1)
    running, begun = sweep.next_trials(), 0
    while running:
        assert not sweep.searcher.is_finished()
        sweep.end(running.pop(0))
        begun += 1
        running += sweep.next_trials()
        if sweep.queue.is_over:
            break
    assert sweep.searcher.is_finished() and sweep.next_trials() == []
    assert sweep.queue.analysis.end == "answered" and begun < len(sweep.plan.trials)


@pytest.mark.parametrize("is_crowded", [False, True])
def test_a_trial_without_a_result_is_not_suggested_twice_in_a_run(tmp_path: Path, is_crowded: bool) -> None:
    sweep = Sweep(tmp_path, workers=1)
    lost = sweep.next_trials()[0]
    if is_crowded:
        sweep.crowded.add(key_of(lost))
    sweep.end(lost, error=not is_crowded)
    assert key_of(lost) not in [key_of(trial) for trial in sweep.next_trials()]
    assert sweep.queue.begin_round(sweep.crowded)
    sweep.queue.running.clear()
    following = sweep.queue.peek(1)
    assert following and following.key == key_of(lost)


def test_a_trial_waits_for_a_place_where_gpus_and_processors_work_side_by_side(tmp_path: Path) -> None:
    pool = PlacementPool(lambda: {"a": {"CPU": 1.0, "GPU": 0.0}}, 1.0)
    sweep = Sweep(tmp_path, workers=4, pool=pool)
    (only,) = sweep.next_trials()
    assert task_of(only.config).node == "a"
    sweep.end(only)
    assert len(sweep.next_trials()) == 1


def test_tune_can_pickle_it_without_the_plan(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, workers=1)
    assert len(pickle.dumps(sweep.searcher)) < 1000
    sweep.searcher.save_to_dir(str(tmp_path), "session")
    assert not list(tmp_path.glob("*session*"))


def test_points_are_suggested_as_they_are_chosen(tmp_path: Path) -> None:
    plan = explored.plan_of(tmp_path, overrides=["map.trials=8"])
    queue = PointQueue(plan, explored.Bisection(8))
    queue.begin(2)
    chosen: dict[str, PlannedTrial] = {}
    queue.on_chosen = lambda planned: chosen.__setitem__(planned.key, planned)

    def task(planned: PlannedTrial) -> TrialTask:
        folder = plan.folder.trial(planned.key).folder
        return TrialTask(folder, planned.config, planned.fingerprint, planned.evaluation, {"CPU": 1.0})

    searcher = QueueSearcher(queue, task, lambda: 2, lambda key: False)
    searcher.add_configurations([Experiment("sweep", lambda config: None, config={"task": {}}, num_samples=plan.size)])
    seeds, running = list[int](), list[Trial]()
    for _ in range(1000):  # Tune asks again and again
        if searcher.is_finished():
            break
        if trial := searcher.next_trial():
            running.append(trial)
            seeds.append(task_of(trial.config).config.seed)
        elif running:
            ended = running.pop(0)
            explored.end(plan, chosen[key_of(ended)])
            searcher.on_trial_complete(ended.trial_id)
    assert seeds == list(range(8)) and not running and queue.is_over
