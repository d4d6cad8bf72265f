"""Tune on GPUs and processors side by side: a trial is suggested once there is a place for it, and knows which.

Tune takes what a trial asks for when it is suggested, and suggests hundreds before they can run. One that has lost its
worker is paused until there is a place again, since what it asked for may be gone.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search.basic_variant import BasicVariantGenerator

from orchestrator.scheduling.placement import Placement, PlacementPool
from orchestrator.scheduling.trial_monitor import key_of
from orchestrator.scheduling.trial_order import InOrder, as_points


def request(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """What a trial with this configuration asks Ray for: on its node, if it has one."""
    task = config["task"]
    where = {"bundle_label_selector": [{"ray.io/node-id": task["node"]}]} if "node" in task else {}
    return tune.PlacementGroupFactory([task["resources"]], **where)


def _put(trial: Trial, place: Placement) -> None:
    trial.config["task"]["resources"], trial.config["task"]["node"] = place.resources, place.node


class OnePlaceAfterAnother(BasicVariantGenerator):
    """The tasks in this order, each as soon as there is a place for it."""

    def __init__(self, tasks: list[dict[str, Any]], places: PlacementPool):
        super().__init__(points_to_evaluate=as_points(tasks))
        self._left = deque(Path(task["folder"]).name for task in tasks)
        self._keys: dict[str, str] = {}
        self.places = places

    def next_trial(self) -> Trial | None:
        place = self.places.take(self._left[0]) if self._left else None
        if self._left and not place:
            return None
        trial = super().next_trial()
        if trial and place:
            self._keys[trial.trial_id] = self._left.popleft()
            _put(trial, place)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        super().on_trial_complete(trial_id, result, error)
        self.places.give_back(self._keys[trial_id])


class InOrderOfPlaces(InOrder):
    """Those that have lost their worker go on first, wherever there is a place.

    A trial that waits for a node which has died before its worker began is stranded: Tune would wait for ever.
    """

    def __init__(self, places: PlacementPool) -> None:
        super().__init__()
        self.places = places
        self._paused: list[Trial] = []
        self._starting: list[Trial] = []
        self._stranded = False

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        if self.places.has(key_of(trial)):
            self._starting.append(trial)
        else:
            tune_controller._set_trial_status(trial, Trial.PAUSED)
            self._paused.append(trial)
            self.places.waiting.append(key_of(trial))

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Tune adds it again, unless it was lost too often."""
        super().on_trial_error(tune_controller, trial)
        self.places.lose(key_of(trial))

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        for trial in self._paused:
            if place := self.places.take(key_of(trial)):
                self._paused.remove(trial)
                self._starting.append(trial)
                _put(trial, place)
                trial.update_resources(request(trial.config))
                return trial
        return super().choose_trial_to_run(tune_controller)

    def is_stranded(self) -> bool:
        """Whether a trial is, or was."""
        self._starting = [trial for trial in self._starting if trial.status == Trial.PENDING]
        self._stranded = self._stranded or any(self.places.is_gone(key_of(trial)) for trial in self._starting)
        return self._stranded
