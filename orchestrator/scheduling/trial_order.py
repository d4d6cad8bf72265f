"""Gives Tune many trials in order. What Tune has for that costs more for each trial, the more trials there are."""

from __future__ import annotations

from collections import UserDict
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

ENDED = (Trial.TERMINATED, Trial.ERROR)


def one_after_another(tasks: list[dict[str, Any]]) -> BasicVariantGenerator:
    """The tasks in this order, each as `task` of a trial's configuration; for as many samples of `{"task": {}}`.

    A `grid_search` over them would be copied whole for each of its values.
    """
    return BasicVariantGenerator(points_to_evaluate=as_points(tasks))


def as_points(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tune takes a dict apart, so each task comes as another kind of mapping."""
    return [{"task": UserDict(task)} for task in tasks]


class InOrder(FIFOScheduler):
    """First in, first out, as Tune's own, which looks through all trials, also those that ended, at each event.

    What has ended at the beginning of Tune's list is not looked at again, until a trial fails: one that then starts
    again moves to the end of the list. None of ours is ever paused.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ended = 0

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self._ended = 0

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        trials = tune_controller.get_trials()
        while self._ended < len(trials) and trials[self._ended].status in ENDED:
            self._ended += 1
        for number in range(self._ended, len(trials)):
            if trials[number].status == Trial.PENDING:
                return trials[number]
        return None
