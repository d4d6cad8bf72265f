"""Gives Tune many trials in a fixed order.

Tune's own searcher and scheduler do this too, but their cost per trial grows with the number of trials.
"""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from orchestrator.scheduling.trial_task import TrialTask, as_config

ENDED = (Trial.TERMINATED, Trial.ERROR)


def in_order_searcher(tasks: list[TrialTask]) -> BasicVariantGenerator:
    """Suggests the tasks in this order; for as many samples of the parameter space `{"task": {}}`.

    A `grid_search` over them would be copied whole for each of its values.
    """
    return BasicVariantGenerator(points_to_evaluate=[as_config(task) for task in tasks])


class InOrderScheduler(FIFOScheduler):
    """First in, first out, as Tune's own, which looks through all trials, also those that ended, at each event.

    What has ended at the beginning of Tune's list is not looked at again, until a trial fails: one that then starts
    again moves to the end of the list. None of our trials is ever paused.
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
