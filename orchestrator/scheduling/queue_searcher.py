"""Gives Tune the trials of a queue, each when a worker is about to be free: what comes next depends on what ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.search.basic_variant import BasicVariantGenerator

from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.trial_task import TrialTask, as_config, place_trial


class QueueSearcher(BasicVariantGenerator):
    """Suggests the next trial of the queue while no more of them run, or wait for a worker, than there are workers.

    One trial waits, so that a worker which becomes free is kept for it. `task_of`: what a worker needs to know of a
    trial. `runs_again`: whether a trial that has come back shall run once more. `pool`: chooses the trial's node and
    device, where GPUs and CPUs work side by side; then a trial waits for its placement alone.
    """

    def __init__(
        self,
        queue: TrialQueue,
        task_of: Callable[[PlannedTrial], TrialTask],
        workers: Callable[[], int],
        runs_again: Callable[[str], bool],
        pool: PlacementPool | None = None,
    ):
        super().__init__()
        self.queue, self.pool = queue, pool
        self._task_of, self._workers, self._runs_again = task_of, workers, runs_again
        self._keys: dict[str, str] = {}

    def __getstate__(self) -> dict[str, object]:
        return {}  # Tune pickles what it was given so that it could restore it, which is never done here

    def save_to_dir(self, dirpath: str, session_str: str) -> None:
        """Nothing, for the same reason: the queue has the whole plan with its data."""

    def next_trial(self) -> Trial | None:
        workers = self._workers()
        planned = self.queue.peek(workers) if len(self.queue.running) <= workers else None
        placement = self.pool.acquire(planned.key) if planned and self.pool else None
        if planned is None or (self.pool and not placement):
            return None
        self.queue.give(planned)
        self._iterators[-1].points_to_evaluate.append(as_config(self._task_of(planned)))
        trial = super().next_trial()
        assert trial
        self._keys[trial.trial_id] = planned.key
        if placement:
            place_trial(trial, placement)
        return trial

    def is_finished(self) -> bool:
        return self.queue.is_empty

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        super().on_trial_complete(trial_id, result, error)
        key = self._keys[trial_id]
        if self.pool:
            self.pool.release(key)
        self.queue.take_back(key, has_result=not error and not self._runs_again(key))
