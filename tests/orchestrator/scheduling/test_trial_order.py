"""Tune gets many trials in order, and none costs more because there are many."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import tune
from ray.tune import Experiment
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from orchestrator.scheduling.trial_order import InOrderScheduler, in_order_searcher
from orchestrator.scheduling.trial_task import TrialTask, task_of


class Counted:
    """Knows how often something of its kind was copied."""

    copies = 0

    def __deepcopy__(self, memo: Any) -> Counted:
        Counted.copies += 1
        return self


def queued(number: int, folder: Path) -> list[Trial]:
    """What Tune makes of so many tasks."""
    tune.register_trainable("nothing", tune.Trainable)
    config: Any = Counted()
    tasks = [TrialTask(Path(f"runs/{i}"), config, "data", "evaluator", {"CPU": i}) for i in range(number)]
    search = in_order_searcher(tasks)
    space: dict[str, Any] = {"task": {}}
    search.add_configurations(
        [Experiment("order", run="nothing", config=space, num_samples=number, storage_path=str(folder))]
    )
    trials = [search.next_trial() for _ in tasks]
    assert search.next_trial() is None
    assert search.is_finished()
    return trials


def test_every_task_becomes_a_trial_in_the_order_given(tmp_path: Path) -> None:
    tasks = [task_of(trial.config) for trial in queued(30, tmp_path)]
    assert [task.key for task in tasks] == [f"{i}" for i in range(30)]
    assert [task.resources for task in tasks] == [{"CPU": i} for i in range(30)]


def test_a_task_is_copied_as_often_among_many_as_among_few(tmp_path: Path) -> None:
    copies = {}
    for number in (3, 30):
        Counted.copies = 0
        queued(number, tmp_path)
        copies[number] = Counted.copies
    assert copies[30] == 10 * copies[3] > 0


class List(SimpleNamespace):
    """What a scheduler is told of Tune's controller."""

    def get_trials(self) -> list[Trial]:
        return self.trials


@pytest.mark.parametrize("seed", range(5))
def test_the_next_trial_is_the_one_that_tunes_own_scheduler_would_choose(seed: int, tmp_path: Path) -> None:
    generator, ours, theirs = random.Random(seed), InOrderScheduler(), FIFOScheduler()
    controller = List(trials=queued(20, tmp_path)[:10])
    waiting = queued(20, tmp_path)[10:]
    for _ in range(300):
        assert ours.choose_trial_to_run(controller) is theirs.choose_trial_to_run(controller)
        event, trial = (
            generator.choice(["add", "start", "end", "end", "lose", "fail"]),
            generator.choice(controller.trials),
        )
        if event == "add" and waiting:
            controller.trials.append(waiting.pop())
        elif event == "start" and trial.status == Trial.PENDING:
            trial.set_status(Trial.RUNNING)
        elif trial.status == Trial.RUNNING and event in ("end", "fail"):
            trial.set_status(Trial.TERMINATED if event == "end" else Trial.ERROR)
            if event == "fail":
                ours.on_trial_error(controller, trial)
        elif trial.status in (Trial.RUNNING, Trial.ERROR) and event == "lose":  # as TuneController._requeue_trial
            ours.on_trial_error(controller, trial)
            trial.set_status(Trial.PENDING)
            controller.trials.remove(trial)
            controller.trials.append(trial)
