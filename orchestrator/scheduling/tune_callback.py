"""What Tune calls while it runs trials: its callback and its stopper, which pass everything on to `TrialMonitor`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import tune

from orchestrator.scheduling.asha import AshaSchedule
from orchestrator.scheduling.trial_monitor import TrialMonitor
from orchestrator.scheduling.trial_task import key_of, task_of, update_task
from orchestrator.signals import StopRequest
from orchestrator.store.trial_status import Cause
from orchestrator.trial.failure_policy import POLICIES, classify


class _NotPickled:
    """Tune pickles its configuration so that it could restore it. That is never done here, so nothing is pickled."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class TuneStopper(_NotPickled, tune.Stopper):
    """`is_over()`: true if this Tune run must end with trials unfinished."""

    def __init__(self, stop: StopRequest, is_over: Callable[[], bool]):
        self.stop, self.is_over = stop, is_over

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.stop.is_requested or self.is_over()


class TuneCallback(_NotPickled, tune.Callback):
    """`schedule`: if trials that are behind shall be stopped."""

    def __init__(self, monitor: TrialMonitor, schedule: AshaSchedule | None = None):
        self.monitor, self.schedule = monitor, schedule

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.monitor.on_start(key_of(trial))

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        self.monitor.on_report(result["report"])
        if self.schedule and task_of(trial.config).is_scheduled:
            self.schedule.on_report(result["report"])
        if key_of(trial) not in self.monitor.last_try:
            # its worker has been set up after all
            trial.max_failures = POLICIES[Cause.LOST_WORKER].max_retries

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.monitor.on_complete(key_of(trial))

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        error = _error_of(trial)
        update_task(trial, lost=self.monitor.on_worker_lost(key_of(trial), error))
        is_set_up_error = error is not None and classify(error) in (Cause.EXCEPTION, Cause.CONFIGURATION)
        if is_set_up_error or key_of(trial) in self.monitor.last_try:
            # not in `TrialExecution`, which handles its own, but in the worker's set-up: one more try, and that is all
            trial.max_failures = trial.run_metadata.num_failures

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.monitor.on_given_up(key_of(trial), _error_of(trial))

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        self.monitor.check_heartbeats(trials)


def _error_of(trial: Any) -> BaseException | None:
    """The error that Tune has just met. `get_pickled_error` looks where Tune's files are copied to only later."""
    if trial.pickled_error_file is None:
        return None
    error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error if isinstance(error, BaseException) else None
