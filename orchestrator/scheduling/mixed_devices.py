"""Tune on GPUs and CPUs side by side: a trial is suggested once there is a placement for it, and knows which.

Tune fixes what a trial requests when it is suggested, and suggests hundreds before they can run. A trial that has lost
its worker is paused until there is a placement again, because what it requested may be gone.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search.basic_variant import BasicVariantGenerator

from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.trial_order import InOrderScheduler
from orchestrator.scheduling.trial_task import TrialTask, as_config, key_of, place_trial, task_of


def resource_request(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """What a trial with this configuration requests from Ray: on its node, if it has one."""
    task = task_of(config)
    on_node = {"bundle_label_selector": [{"ray.io/node-id": task.node}]} if task.node else {}
    return tune.PlacementGroupFactory([task.resources], **on_node)


class PlacementSearcher(BasicVariantGenerator):
    """Suggests the tasks in this order, each as soon as there is a placement for it."""

    def __init__(self, tasks: list[TrialTask], pool: PlacementPool):
        super().__init__(points_to_evaluate=[as_config(task) for task in tasks])
        self._left = deque(task.key for task in tasks)
        self._keys: dict[str, str] = {}
        self.pool = pool

    def next_trial(self) -> Trial | None:
        placement = self.pool.acquire(self._left[0]) if self._left else None
        if self._left and not placement:
            return None
        trial = super().next_trial()
        if trial and placement:
            self._keys[trial.trial_id] = self._left.popleft()
            place_trial(trial, placement)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        super().on_trial_complete(trial_id, result, error)
        self.pool.release(self._keys[trial_id])


class PlacementScheduler(InOrderScheduler):
    """Trials that have lost their worker go on first, wherever there is a placement.

    A trial whose node dies before its worker has begun there is stranded: Tune would wait for it for ever.
    """

    def __init__(self, pool: PlacementPool) -> None:
        super().__init__()
        self.pool = pool
        self._paused: list[Trial] = []
        self._starting: list[Trial] = []
        self._stranded = False

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        if self.pool.has_placement(key_of(trial)):
            self._starting.append(trial)
        else:
            tune_controller._set_trial_status(trial, Trial.PAUSED)
            self._paused.append(trial)
            self.pool.waiting.append(key_of(trial))

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Tune adds the trial again, unless it was lost too often."""
        super().on_trial_error(tune_controller, trial)
        self.pool.lose(key_of(trial))

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        for trial in self._paused:
            if placement := self.pool.acquire(key_of(trial)):
                self._paused.remove(trial)
                self._starting.append(trial)
                place_trial(trial, placement)
                trial.update_resources(resource_request(trial.config))
                return trial
        return super().choose_trial_to_run(tune_controller)

    def is_stranded(self) -> bool:
        """Whether a trial is stranded, or was: then this Tune run has to end with trials unfinished."""
        self._starting = [trial for trial in self._starting if trial.status == Trial.PENDING]
        self._stranded = self._stranded or any(self.pool.is_node_dead(key_of(trial)) for trial in self._starting)
        return self._stranded
